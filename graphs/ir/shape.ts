/**
 * Shapes whose dimensions are whole numbers or symbols.
 *
 * A symbolic dimension is a string in canonical form: a sum of products such as `batch`, `batch*sequence`
 * or `past_sequence+sequence`. Equal dimensions are equal strings.
 * @module
 */

export type Dim = number | string
export type Shape = readonly Dim[]

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis])

/** The product of dimensions in canonical form: the number first, then the symbols in alphabetical order. */
export function dimProduct(dims: Shape): Dim {
  let factor = 1
  const symbols: string[] = []
  for (const dim of dims) {
    if (typeof dim === 'number') factor *= dim
    else if (dim.includes('+')) symbols.push(`(${dim})`)
    else for (const part of dim.split('*')) /^\d+$/.test(part) ? (factor *= Number(part)) : symbols.push(part)
  }
  if (symbols.length === 0 || factor === 0) return factor
  symbols.sort()
  return [...(factor === 1 ? [] : [String(factor)]), ...symbols].join('*')
}

/** The sum of dimensions in canonical form (numbers last). */
export function dimSum(dims: Shape): Dim {
  const symbols = dims.filter((dim) => typeof dim === 'string').flatMap((dim) => dim.split('+'))
  const constant = dims.reduce<number>((sum, dim) => sum + (typeof dim === 'number' ? dim : 0), 0)
  if (symbols.length === 0) return constant
  return [...symbols.sort(), ...(constant === 0 ? [] : [String(constant)])].join('+')
}

/** The value of a dimension when its symbols are bound to numbers. Throws on an unbound symbol. */
export function evaluateDim(dim: Dim, binding: Readonly<Record<string, number>>): number {
  if (typeof dim === 'number') return dim
  if (Object.hasOwn(binding, dim)) return binding[dim]!
  const split = (text: string, separator: string): string[] => {
    const parts: string[] = []
    let depth = 0
    let start = 0
    for (let i = 0; i <= text.length; i++) {
      if (text[i] === '(') depth++
      else if (text[i] === ')') depth--
      else if (i === text.length || (depth === 0 && text[i] === separator)) {
        parts.push(text.slice(start, i))
        start = i + 1
      }
    }
    return parts
  }
  const evaluate = (text: string): number => {
    if (/^\d+$/.test(text)) return Number(text)
    const terms = split(text, '+')
    if (terms.length > 1) return terms.reduce((sum, term) => sum + evaluate(term), 0)
    const factors = split(text, '*')
    if (factors.length > 1) return factors.reduce((product, factor) => product * evaluate(factor), 1)
    if (text.startsWith('(') && text.endsWith(')')) return evaluate(text.slice(1, -1))
    if (!Object.hasOwn(binding, text)) throw new Error(`dimension "${text}" has no value`)
    return binding[text]!
  }
  return evaluate(dim)
}

/** The numpy broadcast of two shapes, or undefined where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length)
  const shape: Dim[] = []
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1
    const right = b[axis - rank + b.length] ?? 1
    if (left === right || right === 1) shape.push(left)
    else if (left === 1) shape.push(right)
    else return undefined
  }
  return shape
}

/** A negative axis counts from the end. Throws where the axis lies outside the rank. */
export function resolveAxis(axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis
  if (resolved < 0 || resolved >= rank) throw new Error(`axis ${axis} is outside a tensor of rank ${rank}`)
  return resolved
}

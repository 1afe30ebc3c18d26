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

/** The number of elements of a shape of numbers. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1)

/** A dimension as a sum of products: symbols in alphabetical order, joined by `*` and '' for none, to their factor. */
type Terms = ReadonlyMap<string, number>

/** The product of dimensions in canonical form, multiplied out. */
export const dimProduct = (dims: Shape): Dim => format(dims.map(parse).reduce(multiply, new Map([['', 1]])))

/** The sum of dimensions in canonical form: terms in alphabetical order, the number last. */
export const dimSum = (dims: Shape): Dim => format(sum(dims.flatMap((dim) => [...parse(dim)])))

/** The value of a dimension when its symbols are bound to numbers. Throws on an unbound symbol. */
export function evaluateDim(dim: Dim, binding: Readonly<Record<string, number>>): number {
  if (Object.hasOwn(binding, dim)) return binding[dim]!
  const valueOf = (symbol: string): number => {
    if (!Object.hasOwn(binding, symbol)) throw new Error(`dimension "${symbol}" has no value`)
    return binding[symbol]!
  }
  return [...parse(dim)]
    .map(([symbols, factor]) =>
      symbolsOf(symbols).reduce((product, symbol) => product * valueOf(symbol), factor),
    )
    .reduce((total, term) => total + term, 0)
}

/**
 * A shape in numbers, where its symbols follow from other shapes whose numbers are known; undefined where one does not.
 *
 * @param known symbolic shapes, each with its numbers
 */
export function bindDims(
  shape: Shape,
  known: readonly (readonly [symbolic: Shape, numbers: readonly number[]])[],
): number[] | undefined {
  const binding: Record<string, number> = {}
  for (const [symbolic, numbers] of known)
    symbolic.forEach((dim, axis) => {
      if (typeof dim === 'string') binding[dim] = numbers[axis]!
    })
  const isBound = (dim: Dim): boolean =>
    typeof dim === 'number'
      ? dim >= 0
      : Object.hasOwn(binding, dim) ||
        [...parse(dim).keys()].flatMap(symbolsOf).every((symbol) => Object.hasOwn(binding, symbol))
  if (!shape.every((dim) => dim !== '' && isBound(dim))) return undefined
  return shape.map((dim) => evaluateDim(dim, binding))
}

const symbolsOf = (symbols: string): string[] => (symbols === '' ? [] : symbols.split('*'))

function parse(dim: Dim): Terms {
  return sum(
    String(dim)
      .split('+')
      .map((term) => {
        const parts = term.split('*')
        const symbols = parts.filter((part) => Number.isNaN(Number(part)))
        const numbers = parts.map(Number).filter((part) => !Number.isNaN(part))
        return [symbols.sort().join('*'), numbers.reduce((product, number) => product * number, 1)]
      }),
  )
}

function sum(terms: readonly (readonly [symbols: string, factor: number])[]): Terms {
  const total = new Map<string, number>()
  for (const [symbols, factor] of terms) total.set(symbols, (total.get(symbols) ?? 0) + factor)
  return total
}

const multiply = (left: Terms, right: Terms): Terms =>
  sum(
    [...left].flatMap(([a, x]) =>
      [...right].map(([b, y]) => [[...symbolsOf(a), ...symbolsOf(b)].sort().join('*'), x * y] as const),
    ),
  )

function format(terms: Terms): Dim {
  const number = terms.get('') ?? 0
  const symbolic = [...terms]
    .filter(([symbols, factor]) => symbols !== '' && factor !== 0)
    .map(([symbols, factor]) => (factor === 1 ? symbols : `${factor}*${symbols}`))
  if (symbolic.length === 0) return number
  return [...symbolic.sort(), ...(number === 0 ? [] : [String(number)])].join('+')
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

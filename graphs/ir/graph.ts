/**
 * A graph under construction: inputs, initializers, nodes in the order they were added, named outputs.
 * @module
 */
import type { DType } from './dtype.ts'
import { encodeNumbers } from './dtype.ts'
import type { Operator } from './operator.ts'
import type { Dim, Shape } from './shape.ts'
import { formatShape } from './shape.ts'

/** A tensor in a graph. `name` is unique within it. */
export interface Value {
  readonly graph: Graph
  readonly name: string
  readonly dtype: DType
  readonly shape: Shape
}

export type Attribute = number | string | Shape
export type Attributes = Readonly<Record<string, Attribute>>

/** One use of an operator. */
export interface Node {
  readonly operator: Operator
  readonly name: string
  readonly inputs: readonly Value[]
  readonly attributes: Attributes
  readonly outputs: readonly Value[]
  /** Whether it computes once more, to save memory, what has been computed before. */
  readonly again: boolean
}

/** A part of a gradient: dense, or rows to be added to a tensor's first axis (as an embedding's gradient is). */
export type Contribution = Value | RowScatter
export interface RowScatter {
  /** int64 [rows] */
  readonly indices: Value
  /** [rows, …] */
  readonly updates: Value
}

/**
 * Several nodes that autodiff treats as one, because their joint gradient is cheaper or steadier than the
 * chain of the single ones. It claims its outputs: the reverse walk meets it in place of the nodes inside.
 */
export interface Composite {
  readonly name: string
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** One thunk per input; each is called only where that input's gradient is wanted. */
  readonly gradient: (
    outputGradients: readonly (Value | undefined)[],
  ) => readonly (undefined | (() => Contribution | readonly Contribution[]))[]
}

/** Bytes inside another file: how ONNX points into a safetensors file. */
export interface ExternalData {
  /** File name, relative to the model's own folder. */
  readonly location: string
  readonly offset: number
  readonly length: number
  /** What they are; float32 where nothing is said. */
  readonly dtype?: DType
  /** The float32 scales of whole numbers, one for each block along an axis. */
  readonly scales?: BlockScales
}

/** Where scales of blocks lie. */
export interface BlockScales extends ExternalData {
  readonly shape: readonly number[]
  readonly axis: number
  /** Numbers of a block; the last one along an axis may have fewer. */
  readonly block: number
}

export interface Initializer {
  readonly value: Value
  readonly data: Uint8Array | ExternalData
  /** Written as an input with a default, so that ONNX Runtime takes it for no constant and folds nothing into wider copies of it. */
  readonly overridable: boolean
}

/** A part of the forward pass that can be computed once more from what goes in, such as a block of a model. */
export interface Segment {
  readonly inputs: readonly Value[]
  readonly output: Value
  readonly nodes: readonly Node[]
}

/** The part of a graph that computes gradients. */
export interface Backward {
  /** The number of its first node. */
  readonly start: number
  /** ∂loss/∂x of the values x that the loss reaches a wanted tensor through. */
  readonly gradients: ReadonlyMap<Value, Value>
}

export class Graph {
  readonly inputs: Value[] = []
  readonly initializers: Initializer[] = []
  readonly nodes: Node[] = []
  readonly steps: (Node | Composite)[] = []
  readonly outputs = new Map<string, Value>()
  /**
   * Whether weights of few bits are widened when a session opens, which takes the memory of wide ones: right where each pass
   * computes little with them, as one for every token does. Else it is done in each pass.
   */
  widensOnce = false
  readonly segments: Segment[] = []
  /** What autodiff has added, once it has. */
  backward: Backward | undefined
  /** What inputs and outputs mean, by their names. */
  readonly docs = new Map<string, string>()
  /** The step that a gradient arriving at a value goes through. */
  readonly producers = new Map<Value, Node | Composite>()
  readonly #names = new Set<string>()
  readonly #constants = new Map<string, Value>()
  readonly #dimensions = new Map<Dim, { input: Value; axis: number }>()
  readonly #shapes = new Map<string, Value>()
  #scope: readonly string[] = []
  #again = false

  /** @param doc what it computes, in a sentence */
  constructor(
    readonly name: string,
    readonly doc = '',
  ) {}

  /** The path of the scope being built, such as `transformer.h.3.attn`. */
  get scopePath(): string {
    return this.#scope.join('.')
  }

  /** Builds inside a named scope. Names and error messages carry its path. */
  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope
    this.#scope = [...outer, name]
    try {
      return build()
    } finally {
      this.#scope = outer
    }
  }

  /**
   * Marks what `build` adds as a part that can be computed once more; see `checkpointing.ts`.
   *
   * @param inputs the activations that go in; parameters, masks and the like need not be named
   */
  segment(inputs: readonly Value[], build: () => Value): Value {
    const start = this.nodes.length
    const output = build()
    this.segments.push({ inputs, output, nodes: this.nodes.slice(start) })
    return output
  }

  /** Builds what computes once more, to save memory, what has been computed before. */
  again<T>(build: () => T): T {
    const outer = this.#again
    this.#again = true
    try {
      return build()
    } finally {
      this.#again = outer
    }
  }

  /**
   * A named input. Its symbolic dimensions can be asked for at run time from then on.
   *
   * @param doc what it means, for whoever feeds the graph
   */
  input(name: string, dtype: DType, shape: Shape, doc = ''): Value {
    const value = this.#declare(name, dtype, shape)
    this.docs.set(name, doc)
    this.inputs.push(value)
    shape.forEach((dim, axis) => {
      if (typeof dim === 'string' && !this.#dimensions.has(dim))
        this.#dimensions.set(dim, { input: value, axis })
    })
    return value
  }

  /**
   * A named tensor stored with the graph, or in an external file. ONNX Runtime treats it as constant, unless it is `overridable`; see
   * {@link Initializer}.
   */
  initializer(
    name: string,
    dtype: DType,
    shape: Shape,
    data: Uint8Array | ExternalData,
    { overridable = false }: { readonly overridable?: boolean } = {},
  ): Value {
    const value = this.#declare(name, dtype, shape)
    this.initializers.push({ value, data, overridable })
    return value
  }

  /** A small constant; equal constants are stored once. */
  constant(values: readonly number[], dtype: DType, shape: Shape = [values.length]): Value {
    const key = `${dtype}${formatShape(shape)}${values.join(',')}`
    const known = this.#constants.get(key)
    if (known) return known
    const value = this.initializer(
      this.#unique(`constant_${this.#constants.size}`),
      dtype,
      shape,
      encodeNumbers(values, dtype),
    )
    this.#constants.set(key, value)
    return value
  }

  scalar(value: number, dtype: DType): Value {
    return this.constant([value], dtype, [])
  }

  /** Which input and axis a symbolic dimension is read from at run time. Throws where no input has it. */
  dimensionSource(dim: Dim): { input: Value; axis: number } {
    const source = this.#dimensions.get(dim)
    if (!source) throw this.error('dimension', `no input has the dimension "${dim}"`)
    return source
  }

  /** The first value of a shape, inputs before what is computed; undefined where there is none yet. */
  firstOf(shape: Shape): Value | undefined {
    return this.#shapes.get(formatShape(shape))
  }

  /** Adds a node; its output types come from the operator's shape inference. */
  add(operator: Operator, inputs: readonly Value[], attributes: Attributes = {}): readonly Value[] {
    for (const input of inputs) {
      if (input.graph !== this) throw this.error(operator.name, `"${input.name}" belongs to another graph`)
    }
    const types = operator.infer({
      inputs,
      attributes,
      fail: (reason) => {
        throw this.error(operator.name, reason)
      },
    })
    const name = this.#unique([...this.#scope, operator.name].join('/'))
    const outputs = types.map(({ dtype, shape }, index) =>
      this.#declare(index === 0 ? `${name}:0` : `${name}:${index}`, dtype, shape),
    )
    const node: Node = { operator, name, inputs, attributes, outputs, again: this.#again }
    this.nodes.push(node)
    this.#register(node)
    return outputs
  }

  /** Makes autodiff treat the nodes between `inputs` and `outputs` as one; see {@link Composite}. */
  composite(composite: Composite): void {
    this.#register(composite)
  }

  /** Names an output, and says what it means. A value may be given out under several names. */
  output(name: string, value: Value, doc = ''): void {
    if (this.outputs.has(name)) throw this.error('output', `"${name}" is given out twice`)
    if (this.#names.has(name)) throw this.error('output', `the name "${name}" is taken`)
    this.#names.add(name)
    this.outputs.set(name, value)
    this.docs.set(name, doc)
  }

  /** An error that says which operation failed, in which scope, and why. */
  error(operation: string, reason: string): Error {
    const scope = this.scopePath
    return new Error(`${operation}${scope === '' ? '' : ` in ${scope}`}: ${reason}`)
  }

  #register(step: Node | Composite): void {
    this.steps.push(step)
    for (const output of step.outputs) this.producers.set(output, step)
  }

  #declare(name: string, dtype: DType, shape: Shape): Value {
    if (this.#names.has(name)) throw this.error('graph', `the name "${name}" is taken`)
    this.#names.add(name)
    const value: Value = { graph: this, name, dtype, shape }
    const known = formatShape(shape)
    if (!this.#shapes.has(known)) this.#shapes.set(known, value)
    return value
  }

  #unique(base: string): string {
    if (!this.#names.has(base) && !this.#names.has(`${base}:0`)) return base
    for (let i = 1; ; i++) {
      const name = `${base}_${i}`
      if (!this.#names.has(name) && !this.#names.has(`${name}:0`)) return name
    }
  }
}

/** The scope that a node was built in. */
export const scopeOf = ({ name }: Node): string => name.split('/').slice(0, -1).join('/')

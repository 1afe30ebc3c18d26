/**
 * What the graphs of all tasks are fed, by the names of their inputs: one batch of two sequences for each.
 * @module
 */
import type { DType } from '../../graphs/ir/dtype.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import type { Tensor } from './tensor.ts'
import { constant, random, toHost } from './tensor.ts'

const SIZES = { batch: 2, rows: 2, pairs: 2, sequence: 6, labelled: 5 }

/** Whole numbers by an input's name; of pairs the mask says which answer a token is of. */
const whole: Readonly<Record<string, readonly number[]>> = {
  input_ids: [3, 7, 1, 10, 4, 0, 5, 9, 2, 6, 8, 0],
  attention_mask: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
  position_ids: [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 0],
  token_type_ids: [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0],
  pool_positions: [5, 10],
  label_positions: [1, 2, 3, 7, 8],
  label_answers: [0, 0, 1, 2, 3],
  label_rows: [0, 0, 0, 1, 1],
  others: [1, 0],
  prompt_mask: [1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0],
  response_mask: [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0],
}
const answers = [1, 1, 2, 2, 3, 3, 1, 2, 2, 3, 3, 0]

/** Numbers by an input's name, of what is not a weight. */
const numbers: Readonly<Record<string, (shape: readonly number[]) => Tensor>> = {
  lora_scale: (shape) => constant(shape, [0.5]),
  loss_scale: (shape) => constant(shape, [256]),
  kl: (shape) => constant(shape, [0.25]),
  desirable: (shape) => constant(shape, [1, 0]),
  reference_logps: (shape) => random('reference', shape, -6, -4),
  old_logps: (shape) => random('old', shape, -3, -2),
  fold_weights: (shape) => random('fold', shape, 0.1, 0.2),
  dropout_mask: (shape) => random('dropout', shape, 1, 1.25),
}

export function feedsOf(graph: Graph): Feeds {
  const labels = graph.inputs.find(({ name }) => name === 'labels')
  // A reward model reads the answers of a pair as sequences of their own.
  const sizes = { ...SIZES, ...(graph.inputs.some(({ name }) => name === 'margins') ? { pairs: 1 } : {}) }
  const isPairs = graph.inputs.some(({ name }) => name === 'label_answers')
  const feed = (name: string, dtype: DType, shape: readonly number[]): HostTensor => {
    if (dtype === 'int64') {
      const classes = labels?.shape[0] === 'batch' ? [2, 0] : [1, 10, 4, 2, 6]
      const data = name === 'labels' ? classes : name === 'attention_mask' && isPairs ? answers : whole[name]!
      return toHost(constant(shape, data), 'int64')
    }
    const isNorm = /(ln_\w+|[nN]orm)\.weight$/.test(name)
    const isWeight = /_weights$|^margins$/.test(name)
    const [low, high] = isNorm ? [0.5, 1.5] : isWeight ? [0.1, 0.3] : [-0.6, 0.6]
    return toHost(numbers[name]?.(shape) ?? random(name, shape, low, high), dtype as 'float32')
  }

  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => {
      const dims = shape.map((dim) => evaluateDim(dim, sizes))
      return [name, feed(name, dtype, dims)]
    }),
  )
}

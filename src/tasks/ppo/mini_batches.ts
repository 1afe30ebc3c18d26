/**
 * How an update goes over its responses: several epochs, each in a new order, in mini-batches of which several may make
 * one optimizer step.
 * @module
 */
import { createRandom } from '../../random.ts'

export interface MiniBatch {
  /** Indices of the update's responses. */
  readonly rows: readonly number[]
  /** What a token weighs: 1/(tokens of its optimizer step). */
  readonly tokenWeight: number
  readonly endsStep: boolean
  readonly endsEpoch: boolean
}

export interface MiniBatchOptions {
  readonly mini_batch_size: number
  readonly ppo_epochs: number
  /** Mini-batches of an optimizer step, counted on from epoch to epoch; the last step of an update may have fewer. */
  readonly gradient_accumulation_steps: number
}

/**
 * The mini-batches of an update, in order.
 *
 * @param lengths tokens of each response
 * @param seed with the update it names the orders
 */
export function miniBatches(
  lengths: readonly number[],
  { mini_batch_size, ppo_epochs, gradient_accumulation_steps }: MiniBatchOptions,
  seed: number,
  update: number,
): MiniBatch[] {
  const perEpoch = Math.ceil(lengths.length / mini_batch_size)
  const all = Array.from({ length: ppo_epochs }, (_, epoch) => {
    const order = lengths.map((_, row) => row)
    createRandom(seed, 'mini-batches', update, epoch).shuffle(order)
    return Array.from({ length: perEpoch }, (_, i) =>
      order.slice(i * mini_batch_size, (i + 1) * mini_batch_size),
    )
  }).flat()
  return all.map((rows, i) => {
    const first = i - (i % gradient_accumulation_steps)
    const step = all.slice(first, first + gradient_accumulation_steps)
    const tokens = step.flat().reduce((sum, row) => sum + lengths[row]!, 0)
    return {
      rows,
      tokenWeight: 1 / tokens,
      endsStep: i === first + step.length - 1,
      endsEpoch: (i + 1) % perEpoch === 0,
    }
  })
}

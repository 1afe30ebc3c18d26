/**
 * How a rollout is gone over: in passes, each through the same batches, of which several may make one step of the optimizer.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { TrainingOptions } from '../../learning/options.ts'
import { createRandom } from '../../random.ts'
import type { GroupOptions, LossType } from './options.ts'

type BatchOptions = Pick<
  TrainingOptions,
  'per_device_train_batch_size' | 'gradient_accumulation_steps' | 'seed'
>

/**
 * Completions of a rollout: `per_device_train_batch_size` · `steps_per_generation`.
 *
 * @param task whose options errors speak of
 * @throws UserError where they make no whole groups, or no whole steps of the optimizer
 */
export function completionsPerRollout(
  { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulated }: BatchOptions,
  { num_generations, steps_per_generation }: Pick<GroupOptions, 'num_generations' | 'steps_per_generation'>,
  task: string,
): number {
  const steps = steps_per_generation ?? accumulated
  if (steps % accumulated !== 0)
    throw new UserError(
      `${task}.steps_per_generation ${steps} is no multiple of gradient_accumulation_steps ${accumulated}; a step of the optimizer needs ${accumulated} batches that were drawn together`,
    )
  if ((batch * steps) % num_generations !== 0)
    throw new UserError(
      `per_device_train_batch_size ${batch} times ${steps} batches are ${batch * steps} completions, which make no whole groups of ${num_generations}; change one of them, ${task}.steps_per_generation or ${task}.num_generations`,
    )
  return batch * steps
}

export interface MicroBatch {
  /** Indices of the rollout's completions. */
  readonly rows: readonly number[]
  /** What each token of these weighs in the loss of the optimizer's step. */
  readonly tokenWeights: readonly number[]
  /** Whether the policy is still the one that drew the rollout: of the first step of the optimizer. */
  readonly onPolicy: boolean
  readonly endsStep: boolean
}

export interface Weighing {
  readonly lossType: LossType
  readonly max_completion_length: number
}

/**
 * The batches of a rollout, in order. With B completions in a batch, b batches in a step, and S in the rollout, a token weighs, of
 *
 *     grpo      1 / (B·b·tokens of its completion)
 *     bnpo      1 / (b·tokens of its batch)
 *     dr_grpo   1 / (B·b·max_completion_length)
 *     dapo      1 / (b·tokens of the rollout / S)
 *
 * @param lengths tokens of each completion that are learned from; 0: it is not
 * @param update with the seed it names the order
 */
export function microBatches(
  lengths: readonly number[],
  { per_device_train_batch_size: B, gradient_accumulation_steps: b, seed }: BatchOptions,
  { num_iterations }: Pick<GroupOptions, 'num_iterations'>,
  { lossType, max_completion_length }: Weighing,
  update: number,
): MicroBatch[] {
  const order = lengths.map((_, row) => row)
  createRandom(seed, 'mini-batches', update).shuffle(order)
  const S = lengths.length / B
  const tokensOf = (rows: readonly number[]) =>
    Math.max(
      1,
      rows.reduce((sum, row) => sum + lengths[row]!, 0),
    )
  const ofRollout = tokensOf(order)
  const batches = Array.from({ length: S }, (_, i) => {
    const rows = order.slice(i * B, (i + 1) * B)
    const total: Record<LossType, (row: number) => number> = {
      grpo: (row) => B * b * lengths[row]!,
      bnpo: () => b * tokensOf(rows),
      dr_grpo: () => B * b * max_completion_length,
      dapo: () => (b * ofRollout) / S,
    }
    const tokenWeights = rows.map((row) => (lengths[row] === 0 ? 0 : 1 / total[lossType](row)))
    return { rows, tokenWeights, endsStep: (i + 1) % b === 0 }
  })
  return Array.from({ length: num_iterations }, (_, pass) =>
    batches.map((batch, i) => ({ ...batch, onPolicy: pass === 0 && i < b })),
  ).flat()
}

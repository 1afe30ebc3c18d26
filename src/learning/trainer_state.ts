/**
 * Where a run stands between two optimizer steps. With the tensors of a checkpoint it is all a resumed run needs:
 * the data order follows from (seed, epoch), so only the position is kept. No clock enters it, so equal runs have
 * equal bytes.
 * @module
 */
import { z } from 'zod'

import { checkJson } from '../schema.ts'
import { lossScaleSchema } from './loss_scale.ts'

const position = z.strictObject({
  /** Optimizer steps done. */
  global_step: z.int().min(0),
  /** The epoch under way, from 0, and how many steps' batches of it have been used. */
  epoch: z.int().min(0),
  batch: z.int().min(0),
  /** Value of `metric_for_best_model` at `best_step`. */
  best_metric: z.number().nullable(),
  best_step: z.int().min(0).nullable(),
  evaluations_without_improvement: z.int().min(0),
  /** The running mean of the steps' rewards, where a plastic update goes by it. */
  reward_mean: z.number().optional(),
  /** Of float16. */
  loss_scale: lossScaleSchema.optional(),
})

const carried = z.record(z.string(), z.number().min(0))

export interface TrainerState extends z.infer<typeof position> {
  /** What a task takes along from step to step beside the tensors; of PPO the price of divergence. */
  readonly carried?: Readonly<Record<string, number>> | undefined
}

export const initialState: TrainerState = {
  global_step: 0,
  epoch: 0,
  batch: 0,
  best_metric: null,
  best_step: null,
  evaluations_without_improvement: 0,
}

/** As `trainer_state.json` has it: what the task carries stands under the task's name. */
export const storedState = ({ carried, ...position }: TrainerState, task: string): object =>
  carried ? { ...position, [task]: carried } : position

/** @throws UserError naming the file and the key where it is no such state */
export function parseState(json: unknown, task: string, where: string): TrainerState {
  const { success, data } = z.looseObject({ [task]: carried }).safeParse(json)
  if (!success) return checkJson(position, json, where)
  const { [task]: taken, ...rest } = data
  return { ...checkJson(position, rest, where), carried: taken }
}

/**
 * Where a run stands between two optimizer steps. With the tensors of a checkpoint it is all a resumed run needs:
 * the data order follows from (seed, epoch), so only the position is kept. No clock enters it, so equal runs have
 * equal bytes.
 * @module
 */
import { z } from 'zod'

export const trainerStateSchema = z.strictObject({
  /** Optimizer steps done. */
  global_step: z.int().min(0),
  /** The epoch under way, from 0, and how many steps' batches of it have been used. */
  epoch: z.int().min(0),
  batch: z.int().min(0),
  /** Value of `metric_for_best_model` at `best_step`. */
  best_metric: z.number().nullable(),
  best_step: z.int().min(0).nullable(),
  evaluations_without_improvement: z.int().min(0),
  /** Of PPO: the price of divergence for the next update, and AdamW's steps, of which an update makes several. */
  ppo: z.strictObject({ kl_coef: z.number().min(0), optimizer_steps: z.int().min(0) }).optional(),
})

export type TrainerState = z.infer<typeof trainerStateSchema>

export const initialState: TrainerState = {
  global_step: 0,
  epoch: 0,
  batch: 0,
  best_metric: null,
  best_step: null,
  evaluations_without_improvement: 0,
}

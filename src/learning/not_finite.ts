/** @module */
import { UserError } from '../errors.ts'
import type { Precision } from '../formats/precision.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import { remedyAt } from '../runtime/training_state.ts'

/** What a number came from. */
export interface Computed {
  readonly tensors: Pick<TrainingState, 'names' | 'read'>
  readonly options: { readonly precision?: Precision }
}

/** Before anything was learned the arithmetic may be to blame, of float16 that ends at 65504 above all. */
const NARROW: Readonly<Partial<Record<Precision, string>>> = {
  fp16: 'nothing has been learned yet, and float16 ends at 65504, so make the run with precision bf16 or fp32',
  bf16: 'nothing has been learned yet, so make the run with precision fp32, or look at the weights of the model',
}

/**
 * The error for a loss that is not finite, which names the first trained tensor that is not finite either.
 *
 * @param what the number is, such as "the loss"
 * @param at the step that it was found at
 * @param next the step that was to be learned from it
 */
export async function lossFault(
  what: string,
  value: number,
  { at, next }: { readonly at: number; readonly next: number },
  { tensors, options: { precision = 'fp32' } }: Computed,
): Promise<UserError> {
  const tensor = await firstNotFinite(tensors)
  const which = tensor === undefined ? '' : `, and ${tensor} has numbers that are not finite`
  const remedy = (next === 1 && tensor === undefined && NARROW[precision]) || remedyAt(next)
  return new UserError(`${what} is ${value} at step ${at}${which}; ${remedy}`)
}

async function firstNotFinite({ names, read }: Computed['tensors']): Promise<string | undefined> {
  for (const name of names) if (!(await read(name, 'parameter')).every(Number.isFinite)) return name
  return undefined
}

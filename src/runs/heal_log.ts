/**
 * The log of a run that goes on: what lies behind its checkpoint is dropped, and what it lacks is told.
 * @module
 */
import type { EvaluationRecord } from '../learning/listeners.ts'
import { hasRecords, missingSteps, readEvaluations, truncateRecords } from './log.ts'

export interface HealedLog {
  /** The first and the last one that it tells of. */
  readonly evaluations: EvaluationRecord[]
  /** Whether it has the step that the run stands at, and no evaluation of it. */
  readonly unjudged: boolean
}

/**
 * @param path of `log.jsonl`
 * @param step of the checkpoint that the run goes on from, 0 where there is none
 */
export async function healLog(
  run: string,
  path: string,
  step: number,
  note: (sentence: string) => void,
): Promise<HealedLog> {
  if (step === 0 && (await hasRecords(path))) note(`${run} has a log and no checkpoint, so it begins anew`)
  await truncateRecords(path, step)
  const missing = await missingSteps(path, step)
  if (missing.length > 0) note(holeNote(path, missing))
  const evaluations = await readEvaluations(path)
  const isLogged = step > 0 && missing.at(-1)?.[1] !== step
  return { evaluations, unjudged: isLogged && evaluations.at(-1)?.step !== step }
}

function holeNote(log: string, missing: readonly (readonly [from: number, to: number])[]): string {
  const stretches = missing.map(([from, to]) => (from === to ? `step ${from}` : `steps ${from} to ${to}`))
  const shown =
    stretches.length > 3 ? [...stretches.slice(0, 3), `${stretches.length - 3} more stretches`] : stretches
  return `${log} has a hole, ${shown.join(', ')}: its lines were lost or removed; training goes on as it would have, while curves and figures lack them`
}

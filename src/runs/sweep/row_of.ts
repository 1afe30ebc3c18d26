/** @module */
import { basename, join } from 'node:path'

import { exists } from '../../formats/read_file.ts'
import type { EvaluationRecord } from '../../learning/listeners.ts'
import { isEvaluation, readRecords } from '../log.ts'
import { clockOf } from './clock.ts'
import type { PlannedRun } from './plan.ts'
import type { SweepRow } from './rows.ts'
import { trainedBy } from './trained_by.ts'

/**
 * What the files of a run tell of it, or of a curriculum those of its stages: their steps, tokens and seconds add up, and what
 * counts is the last one's best checkpoint.
 *
 * @param elapsed seconds that training took in this process
 * @param note is told where a clock lacks steps of the log
 */
export async function rowOf(
  { config, digest, variant }: PlannedRun,
  path: string,
  error: string | null,
  elapsed: number,
  note: (sentence: string) => void = () => undefined,
): Promise<SweepRow> {
  const metric = config.metric_for_best_model
  const evaluations: SweepRow['evaluations'] = []
  let best: EvaluationRecord | undefined
  let [steps, tokens, seconds] = [0, 0, 0]
  for (const run of await trainedBy(config).runs(path)) {
    const log = join(run, 'log.jsonl')
    if (!(await exists(log))) continue
    const clock = await clockOf(run)
    let last = 0
    for await (const record of readRecords(log)) {
      last = Math.max(last, record.step)
      if (!isEvaluation(record)) continue
      const at = clock.at(record.step)
      const whole = { ...record, step: steps + record.step }
      if (record.best) best = whole
      evaluations.push({ ...whole, tokens: tokens + at.tokens, seconds: seconds + at.seconds })
    }
    const end = clock.at(last)
    if (!clock.isWhole(last))
      note(
        `${join(run, 'clock.jsonl')} lacks some of ${last} steps, as where a run went on by ortune resume; the tokens and seconds of ${basename(path)} are too few to compare by`,
      )
    steps += last
    tokens += end.tokens
    seconds += end.seconds
  }
  const found = error === null ? best : undefined
  return {
    ...{ run: basename(path), digest, ...(variant === undefined ? {} : { variant }), error, metric },
    best_metric: found?.[metric as 'eval_loss'] ?? null,
    best_step: found?.step ?? null,
    ...{ steps, tokens, seconds, elapsed_seconds: Math.max(elapsed, seconds), evaluations },
    evaluated: {},
    config: { ...config, output_dir: path },
  }
}

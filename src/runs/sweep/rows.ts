/**
 * What a sweep keeps of its runs that came to an end, a line of JSON each: `sweep.jsonl`. A later line about a run replaces an
 * earlier one, so that whatever a kill cuts off, the lines before it stand.
 * @module
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

import { z } from 'zod'

import { exists, readText } from '../../formats/read_file.ts'

const evaluationSchema = z
  .object({ step: z.number(), tokens: z.number(), seconds: z.number() })
  .catchall(z.unknown())

const rowSchema = z.object({
  /** The name of its folder. */
  run: z.string(),
  /** Of its configuration. */
  digest: z.string(),
  variant: z.string().optional(),
  /** Why it did not come to its end; null: it did. */
  error: z.string().nullable(),
  /** Of `metric_for_best_model`, at the best step. */
  metric: z.string(),
  best_metric: z.number().nullable(),
  best_step: z.number().nullable(),
  steps: z.number(),
  /** Of training, without padding. */
  tokens: z.number(),
  /** What training steps took, evaluations aside. */
  seconds: z.number(),
  /** From the preparation of the data to the end, as far as one process did it. */
  elapsed_seconds: z.number(),
  /** The lines of its log that evaluate, with the tokens and seconds of training until then; of a curriculum those of all stages. */
  evaluations: z.array(evaluationSchema),
  /** Of its best checkpoint, by split. */
  evaluated: z.record(z.string(), z.record(z.string(), z.number())),
  /** As it was when the run began. */
  config: z.record(z.string(), z.unknown()),
})

export type SweepRow = z.infer<typeof rowSchema>

/** The last row of each run, by digest, in the order in which they came to an end first. */
export async function readRows(file: string): Promise<Map<string, SweepRow>> {
  const rows = new Map<string, SweepRow>()
  if (!(await exists(file))) return rows
  for (const line of (await readText(file)).split('\n')) {
    const row = rowOf(line)
    if (row) rows.set(row.digest, row)
  }
  return rows
}

/** Begins a line of its own: what a kill left of one does not spoil it. */
export function appendRow(file: string, row: SweepRow): void {
  const cutOff = existsSync(file) && (readFileSync(file).at(-1) ?? LINE_BREAK) !== LINE_BREAK
  appendFileSync(file, `${cutOff ? '\n' : ''}${JSON.stringify(row)}\n`)
}

const LINE_BREAK = 0x0a

function rowOf(line: string): SweepRow | undefined {
  try {
    return rowSchema.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

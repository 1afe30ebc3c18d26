/**
 * What a curriculum keeps of itself: what it was made from, and which stages it has gone through. The file is replaced as a whole
 * after each of them; where the stage under way stands is in its run.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import { UserError } from '../../errors.ts'
import { writeFileAtomic } from '../../formats/atomic.ts'
import { CURRICULUM_FILE, STAGES_FOLDER } from '../../formats/curriculum.ts'
import { exists, readJson } from '../../formats/read_file.ts'
import { checkJson } from '../../schema.ts'
import { runConfigSchema } from '../config.ts'
import type { Way } from './next_stage.ts'
import { curriculumOptions } from './options.ts'
import { stageConfig } from './stage_config.ts'

const visitSchema = z.strictObject({
  stage: z.string(),
  /** Its folder in `stages`. */
  run: z.string().regex(/^\d+-[^/\\]+$/),
  global_step: z.int().min(0),
  best_metric: z.number().nullable(),
  best_step: z.int().min(0).nullable(),
  earlier: z.record(z.string(), z.number()).optional(),
})

const keptSchema = z.strictObject({
  format_version: z.literal(1),
  config: runConfigSchema,
  /** What its relative paths are relative to. */
  directory: z.string(),
  /** The names of the stages in their order. */
  order: z.array(z.string()).min(1),
  /** Of each stage's data. */
  fingerprints: z.record(z.string(), z.string()),
  visits: z.array(visitSchema),
})

export type StageVisit = z.infer<typeof visitSchema>
export type KeptCurriculum = z.infer<typeof keptSchema>

/** @throws UserError where the folder is no curriculum, or its file was damaged */
export async function readCurriculum(folder: string): Promise<KeptCurriculum> {
  const path = join(folder, CURRICULUM_FILE)
  if (!(await exists(path))) throw new UserError(`${folder} is no curriculum; name the output_dir of one`)
  const kept = checkJson(keptSchema, await readJson(path), path)
  const names = (kept.config.stages ?? []).map(({ name }) => name)
  const unknown = [...kept.order, ...kept.visits.map(({ stage }) => stage)].find(
    (name) => !names.includes(name) || kept.fingerprints[name] === undefined,
  )
  if (unknown !== undefined)
    throw new UserError(`${path}: there is no stage "${unknown}" in the configuration; put it back`)
  return kept
}

export const writeCurriculum = (folder: string, kept: KeptCurriculum): Promise<void> =>
  writeFileAtomic(join(folder, CURRICULUM_FILE), `${JSON.stringify(kept, null, 2)}\n`)

/** `1-definitions`: the folder of a visit, the first of all being 1. */
export const visitName = (number: number, stage: string): string =>
  `${number}-${stage.replaceAll(/[^\p{L}\p{N}_.]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '')}`

export const visitFolder = (folder: string, name: string): string => join(folder, STAGES_FOLDER, name)

/** What the way through its stages depends on. */
export function wayOf({ config, order }: Pick<KeptCurriculum, 'config' | 'order'>): Way {
  const metricOf = (stage: string) =>
    stageConfig(config, stage, { run: stage, from: null }).metric_for_best_model
  const metrics = Object.fromEntries(order.map((stage) => [stage, metricOf(stage)]))
  return { ...curriculumOptions(config.curriculum), order, metrics }
}

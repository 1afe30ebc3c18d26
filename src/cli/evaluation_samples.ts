/**
 * Sample texts of `ortune evaluate`.
 * @module
 */
import { join } from 'node:path'

import type { Split } from '../data/sets/splits.ts'
import { UserError } from '../errors.ts'
import type { SamplePrompts } from '../evaluation/sample_prompts.ts'
import type { SampleTexts } from '../evaluation/sample_texts.ts'

export interface SampleFlags {
  samples?: number
  concepts?: string[]
  prompt?: string[]
  promptFile?: string
}

/**
 * The prompts that are asked for; undefined where none are.
 *
 * @throws UserError where one cannot be written or answered
 */
export async function wantedSamples(
  run: string,
  split: Split,
  flags: SampleFlags,
): Promise<SamplePrompts | undefined> {
  const { samples: rows, concepts: lists = [], prompt, promptFile } = flags
  const concepts = lists.flatMap((list) => list.split(',').map((concept) => concept.trim()))
  if (concepts.includes(''))
    throw new UserError(
      '--concepts has an empty one; write them with commas between, such as lantern,gravity',
    )
  const given = prompt !== undefined || promptFile !== undefined
  if (rows === undefined && concepts.length === 0 && !given) return undefined
  const { samplePrompts } = await import('../evaluation/sample_prompts.ts')
  const { writePrompts } = await import('./written_prompts.ts')
  const { loadTokenizer } = await import('../formats/load_tokenizer.ts')
  const { standingRun } = await import('../formats/curriculum.ts')
  const written = async () =>
    writePrompts(run, { ...flags, template: 1 }, await loadTokenizer(await standingRun(run)))
  const prompts = given ? (await written()).prompts : []
  return samplePrompts(run, split, { rows, concepts, prompts })
}

/** All texts for the terminal. */
export async function samplesText(models: readonly SampleTexts[]): Promise<string> {
  const { besideEachOther, samplesReport } = await import('../report/samples_report.ts')
  const width = Math.min(Math.max(process.stdout.columns || 100, 80), 120)
  return besideEachOther(models)
    .map((some) => samplesReport(some, width))
    .join('\n')
}

/** Draws texts into the folders of their runs, those of two models side by side into that of the first one, and returns the files. */
export async function drawSamples(models: readonly SampleTexts[]): Promise<string[]> {
  const { besideEachOther } = await import('../report/samples_report.ts')
  const { samplesPicture } = await import('../report/samples_picture.ts')
  const { writeFileAtomic } = await import('../formats/atomic.ts')
  const files: string[] = []
  for (const some of besideEachOther(models)) {
    const file = join(some[0]!.run, 'samples.svg')
    await writeFileAtomic(file, samplesPicture(some))
    files.push(file)
  }
  return files
}

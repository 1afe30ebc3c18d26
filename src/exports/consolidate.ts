/** @module */

import type { Split } from '../data/sets/splits.ts'
import { encodeStretches } from '../data/examples/encode_stretches.ts'
import { END_MARK, END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { UserError } from '../errors.ts'
import { standingRun } from '../formats/curriculum.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { checkEmpty, writeNewFolder } from '../formats/new_folder.ts'
import { fillPeftAdapter } from '../formats/peft.ts'
import type { Fold } from '../tasks/consolidation_task.ts'
import { openConsolidator } from './consolidator.ts'
import { openSplit } from '../runs/split.ts'

export interface ConsolidateRequest {
  readonly texts: readonly string[]
  /** Other texts whose log-probability is watched. */
  readonly watched: readonly string[]
  /** Folder for the adapter; it must not hold anything yet. */
  readonly out: string
  /** Held-out data of the run, for the damage. */
  readonly split: Split
  readonly fold?: Fold | undefined
  readonly strength?: number
  readonly checkpoint?: CheckpointName | undefined
}

/** log p in nats of a text's tokens after the first. */
export interface TextChange {
  readonly text: string
  readonly before: number
  readonly after: number
}

export interface Consolidation {
  readonly out: string
  readonly texts: readonly TextChange[]
  readonly watched: readonly TextChange[]
  /** Of the held-out data, per labelled token. */
  readonly perplexity: { readonly before: number; readonly after: number }
}

/**
 * Folds texts into an adapter, writes it, and measures what it teaches and damages.
 *
 * @throws UserError where the run has no plastic blocks, a text is too short or too long, or `out` holds files
 */
export async function consolidate(folder: string, request: ConsolidateRequest): Promise<Consolidation> {
  const run = await standingRun(folder)
  const { texts, watched, out, split } = request
  await checkEmpty(out)
  const dataset = await openSplit(run, split)
  const consolidator = await openConsolidator(run, request).catch((error: unknown) => {
    dataset.close()
    throw error
  })
  try {
    const encode = (text: string): number[] => {
      const ids = encodeStretches(consolidator.tokenizer, [text.replaceAll(END_OF_TEXT, END_MARK)]).flat()
      if (ids.length < 2 || ids.length > consolidator.context)
        throw new UserError(
          `"${text}" has ${ids.length} tokens; between 2 and ${consolidator.context} can be remembered`,
        )
      return ids
    }
    const learned = texts.map(encode)
    const all = [...learned, ...watched.map(encode)]
    const update = await consolidator.consolidate(learned)
    const before = await consolidator.logProbabilities(all)
    const after = await consolidator.logProbabilities(all, update)
    const changes = [...texts, ...watched].map((text, i) => ({ text, before: before[i]!, after: after[i]! }))
    const perplexity = {
      before: await consolidator.perplexity(dataset),
      after: await consolidator.perplexity(dataset, update),
    }
    await writeNewFolder(out, (folder) => fillPeftAdapter(folder, update))
    return { out, texts: changes.slice(0, texts.length), watched: changes.slice(texts.length), perplexity }
  } finally {
    dataset.close()
    await consolidator.release()
  }
}

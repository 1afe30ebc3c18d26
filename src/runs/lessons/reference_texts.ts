/**
 * Texts that lessons are watched by: held-out ones, which tell what a lesson damages, and others to rehearse while it is learned.
 * @module
 */
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

import type { EncodedExample } from '../../data/examples/encode.ts'
import { countLabelled } from '../../data/examples/encode.ts'
import { encodeText } from '../../data/examples/encode_stretches.ts'
import { openArrowDataset } from '../../data/sets/arrow_file.ts'
import { splitFile } from '../../data/sets/split_files.ts'
import type { Split } from '../../data/sets/splits.ts'
import { readRows } from '../../data/sources/read_rows.ts'
import { END_MARK } from '../../data/templates/end_of_text.ts'
import { UserError } from '../../errors.ts'
import { exists, readGivenText } from '../../formats/read_file.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'

export interface ReferenceTexts {
  /** What they are, for people. */
  readonly name: string
  readonly heldOut: readonly EncodedExample[]
  readonly rehearsal: readonly EncodedExample[]
}

/** Texts of each of the two at most. */
const MOST = { heldOut: 64, rehearsal: 512 }

/** Tokens of a piece of a given text. */
const PIECE = 64

/**
 * A given file's text, every other piece of it held out; else a run's validation and training data; else the dictionary that ortune
 * is shipped with.
 *
 * @param folder of a run, of its checkpoint or of a model
 * @throws UserError where there is no text in them
 */
export async function referenceTexts(
  folder: string,
  { tokenizer, context }: { readonly tokenizer: Tokenizer; readonly context: number },
  file?: string,
): Promise<ReferenceTexts> {
  if (file !== undefined) return ofFile(file, tokenizer, Math.min(PIECE, context))
  for (const run of [folder, resolve(folder, '..', '..')])
    if ((await exists(join(run, 'training.json'))) && (await exists(splitFile(join(run, 'data'), 'train'))))
      return ofRun(run)
  return ofDictionary(tokenizer, context)
}

function ofRun(run: string): ReferenceTexts {
  const read = (split: Split, most: number): EncodedExample[] => {
    const data = openArrowDataset(splitFile(join(run, 'data'), split))
    try {
      // Of pairs, the preferred answer is the first.
      const rows = spread(data.size / data.layout.rowsPerExample, most)
      return rows.map((row) => labelled(data.row(row * data.layout.rowsPerExample))).filter(isLearned)
    } finally {
      data.close()
    }
  }
  return {
    name: `validation data of ${run}`,
    heldOut: read('validation', MOST.heldOut),
    rehearsal: read('train', MOST.rehearsal),
  }
}

/** Where no token is labelled, as in a prompt that is to be answered, all are. */
const labelled = (example: EncodedExample): EncodedExample =>
  isLearned(example) ? example : whole(example.input_ids)

const isLearned = (example: EncodedExample): boolean => countLabelled(example) > 0

const whole = (ids: Iterable<number>): EncodedExample => {
  const input_ids = Int32Array.from(ids)
  return { input_ids, labels: input_ids }
}

async function ofFile(file: string, tokenizer: Tokenizer, length: number): Promise<ReferenceTexts> {
  const texts = (await readGivenText(file)).split(/\r?\n/).filter((line) => line.trim() !== '')
  const pieces = texts
    .flatMap((text) => cut(encodeText(tokenizer, text), length))
    .map(whole)
    .filter(isLearned)
  const [heldOut, rehearsal] = [0, 1].map((half) => pieces.filter((_, i) => i % 2 === half)) as [
    EncodedExample[],
    EncodedExample[],
  ]
  if (rehearsal.length === 0)
    throw new UserError(
      `${file} is too short to be held out, as half of it is rehearsed; give a text of several lines`,
    )
  return {
    name: `every other piece of ${file}`,
    heldOut: spread(heldOut.length, MOST.heldOut).map((i) => heldOut[i]!),
    rehearsal: spread(rehearsal.length, MOST.rehearsal).map((i) => rehearsal[i]!),
  }
}

function cut(ids: readonly number[], length: number): number[][] {
  const pieces: number[][] = []
  for (let at = 0; at < ids.length; at += length) pieces.push(ids.slice(at, at + length))
  return pieces
}

/** Data shipped with ortune; the pocket model has seen nothing of its validation rows. */
async function ofDictionary(tokenizer: Tokenizer, context: number): Promise<ReferenceTexts> {
  const project = dirname(createRequire(import.meta.url).resolve('ortune/package.json'))
  const texts: Record<string, string[]> = { train: [], validation: [] }
  for await (const row of readRows(join(project, 'data', 'dictionary.csv'))) {
    const { word, part_of_speech, definition, split } = row as Record<string, string>
    texts[split!]?.push(`${word!} (${part_of_speech!}): ${definition!}${END_MARK}`)
  }
  const encode = (all: readonly string[], most: number) =>
    spread(all.length, most)
      .map((i) => whole(encodeText(tokenizer, all[i]!).slice(0, context)))
      .filter(isLearned)
  return {
    name: 'validation rows of the dictionary that ortune is shipped with',
    heldOut: encode(texts['validation']!, MOST.heldOut),
    rehearsal: encode(texts['train']!, MOST.rehearsal),
  }
}

/** At most so many whole numbers below `size`, evenly apart. */
const spread = (size: number, most: number): number[] =>
  Array.from({ length: Math.min(size, most) }, (_, i) => Math.floor((i * size) / Math.min(size, most)))

/**
 * Encoded examples as questions to a model: what it is given, and what it should have written.
 * @module
 */
import type { DataSet } from '../sets/data_set.ts'
import type { EncodedExample } from './encode.ts'
import { NO_LOSS } from './encode.ts'

export interface PromptAndReferences {
  /** Token ids, at least one. */
  readonly prompt: readonly number[]
  /** Of every example that has this prompt: token ids without end of text, at least one each. */
  readonly references: readonly (readonly number[])[]
}

/**
 * Up to `most` different prompts of a data set that have references, evenly spread over it, in order of appearance.
 */
export function promptsAndReferences(dataset: DataSet, most: number, eosId: number): PromptAndReferences[] {
  const answered = allPrompts(dataset, eosId).filter(({ references }) => references.length > 0)
  return evenlySpread(answered, most)
}

/**
 * All different prompts of a data set, in order of appearance, with their references. An example's reference is its last
 * learned stretch, its prompt all before; where nothing is to be learned all of it is a prompt. Examples without a prompt,
 * as of plain text, are left out. Of pairs, the preferred answer alone is a reference; undesirable answers are none.
 */
export function allPrompts(dataset: DataSet, eosId: number): PromptAndReferences[] {
  const found = new Map<string, { prompt: number[]; references: number[][] }>()
  for (let row = 0; row < dataset.size; row += dataset.layout.rowsPerExample) {
    const example = dataset.row(row)
    const { prompt, reference } = lastStretch(example, eosId)
    if (prompt.length === 0) continue
    const key = prompt.join()
    const known = found.get(key) ?? { prompt, references: [] }
    found.set(key, known)
    if (reference.length > 0 && example.desirable !== false) known.references.push(reference)
  }
  return [...found.values()]
}

/** Up to `most` of the items, evenly spread, in their order. */
export function evenlySpread<T>(items: readonly T[], most: number): T[] {
  const count = Math.min(most, items.length)
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!)
}

/** Where an example's last learned stretch begins and ends, its end of text included; both are its length where nothing is learned. */
export function lastLearned({ input_ids, labels }: EncodedExample): { start: number; end: number } {
  const last = labels.findLastIndex((label) => label !== NO_LOSS)
  if (last < 0) return { start: input_ids.length, end: input_ids.length }
  return { start: labels.subarray(0, last + 1).lastIndexOf(NO_LOSS) + 1, end: last + 1 }
}

function lastStretch(example: EncodedExample, eosId: number) {
  const { input_ids } = example
  const { start, end } = lastLearned(example)
  return {
    prompt: Array.from(input_ids.subarray(0, start)),
    reference: Array.from(input_ids.subarray(start, end)).filter((id) => id !== eosId),
  }
}

/**
 * Encoded examples as questions to a model: what it is given, and what it should have written.
 * @module
 */
import type { ArrowDataset } from './arrow_reader.ts'
import type { EncodedExample } from './encode.ts'
import { NO_LOSS } from './encode.ts'

export interface PromptAndReferences {
  /** Token ids, at least one. */
  readonly prompt: readonly number[]
  /** Of every example that has this prompt: token ids without end of text, at least one. */
  readonly references: readonly (readonly number[])[]
}

/**
 * Up to `most` different prompts of a data set with all their references, evenly spread over it, in order of appearance.
 * An example's reference is its last learned stretch, its prompt all before. Examples without a prompt, as of plain text,
 * are left out.
 */
export function promptsAndReferences(
  dataset: ArrowDataset,
  most: number,
  eosId: number,
): PromptAndReferences[] {
  const found = new Map<string, { prompt: number[]; references: number[][] }>()
  for (let row = 0; row < dataset.size; row++) {
    const { prompt, reference } = lastStretch(dataset.row(row), eosId)
    if (prompt.length === 0 || reference.length === 0) continue
    const key = prompt.join()
    const known = found.get(key)
    if (known) known.references.push(reference)
    else found.set(key, { prompt, references: [reference] })
  }
  const all = [...found.values()]
  const count = Math.min(most, all.length)
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!)
}

function lastStretch({ input_ids, labels }: EncodedExample, eosId: number) {
  const end = labels.findLastIndex((label) => label !== NO_LOSS) + 1
  const start = labels.subarray(0, end).lastIndexOf(NO_LOSS) + 1
  return {
    prompt: Array.from(input_ids.subarray(0, start)),
    reference: Array.from(input_ids.subarray(start, end)).filter((id) => id !== eosId),
  }
}

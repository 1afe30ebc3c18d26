/** @module */
import { joinBytes } from '../../formats/bytes.ts'
import type { TemplateSource } from '../templates/template_source.ts'
import { planSets } from './prepare_sets.ts'
import type { PrepareReport, SetsOptions } from './prepare_sets.ts'
import type { Split } from './splits.ts'

export interface PreparedSets {
  readonly report: PrepareReport
  /** Of each source, in order; detected where none is given. */
  readonly templates: readonly TemplateSource[]
  /** The Arrow file of each split that has examples, byte for byte as it is written to a disk. */
  readonly files: Partial<Record<Split, Uint8Array<ArrayBuffer>>>
}

/**
 * Prepares data sets for training, as `prepare` does in a folder, in memory.
 *
 * @example
 * const sources = [{ file: blobFile(input.files[0]), split: { validation: 0.1, test: 0, seed: 42 } }]
 * const { files, report } = await prepareInMemory({ sources, tokenizer, tokenizerFiles, maxLength: 128 })
 * const train = readArrowDataset(bytesInMemory('train', files.train))
 *
 * @throws UserError where an option, a source or a row is wrong, or no example is left
 */
export async function prepareInMemory(options: SetsOptions): Promise<PreparedSets> {
  const { templates, write } = await planSets(options)
  const chunks = new Map<Split, Uint8Array[]>()
  const report = await write(async (split) => {
    const written: Uint8Array[] = []
    chunks.set(split, written)
    return async (chunk) => void written.push(chunk)
  })
  const files = Object.fromEntries([...chunks].map(([split, written]) => [split, joinBytes(written)]))
  return { report, templates, files }
}

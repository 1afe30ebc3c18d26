/** @module */
import { basename, isAbsolute } from 'node:path'

import { languageHead } from '../../graphs/models/head.ts'
import type { ModelCard } from '../formats/model_card.ts'
import { licenceOf, readCard, writeCard } from '../formats/model_card.ts'
import type { Usage } from '../formats/model_usage.ts'
import { withUsage } from '../formats/model_usage.ts'
import type { FoundModel } from '../models/find_model.ts'

/**
 * Writes the card of an exported model: that of the checkpoint it is made from, now of a whole model.
 *
 * @param library which reads the folder
 * @param browser what in it transformers.js loads
 */
export async function writeExportedCard(
  { base, adapter, trained, head = languageHead }: Pick<FoundModel, 'base' | 'adapter' | 'trained' | 'head'>,
  library: 'transformers' | 'ortune',
  folder: string,
  browser: NonNullable<Usage['browser']>,
): Promise<void> {
  const source = adapter ?? trained ?? base
  const card = (await readCard(source)) ?? (await plainCard(base, adapter))
  const usage = { part: 'model', head, base, transformers: library === 'transformers', browser } as const
  const used = withUsage(card, usage)
  await writeCard(folder, { ...used, metadata: { ...used.metadata, library_name: library } })
}

/** Of what comes without a card. */
async function plainCard(base: string, adapter: string | undefined): Promise<ModelCard> {
  const name = (path: string) => (isAbsolute(path) ? basename(path) : path)
  const made = adapter === undefined ? '' : `, with the adapter ${name(adapter)} folded into its weights`
  return {
    metadata: { ...licenceOf(await readCard(base)), base_model: name(base), tags: ['ortune'] },
    text: `# ${basename(base)}\n\nThe model ${name(base)}${made}, written by ortune.\n`,
  }
}

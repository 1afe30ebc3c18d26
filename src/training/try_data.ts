/**
 * A look at a run's data before there is a run.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openArrowDataset } from '../data/arrow_reader.ts'
import type { PrepareReport } from '../data/prepare.ts'
import { splitFile } from '../data/splits.ts'
import type { TemplateSource } from '../data/template_source.ts'
import { tokenPieces } from '../data/token_pieces.ts'
import type { TokenPiece } from '../data/token_pieces.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import { placeTokenizer } from './export.ts'
import { maxLengthOf, prepareData, resolveTemplates } from './prepare_data.ts'
import type { RunConfig } from './run_config.ts'

export interface TriedData extends PrepareReport {
  /** Most tokens of an example, and of what the model can read. */
  readonly maxLength: number
  readonly context: number
  /** Of each source, in order; detected where the configuration gives none. */
  readonly templates: readonly {
    readonly path: string
    readonly template: TemplateSource
    readonly detected: boolean
  }[]
  /** The first of the training data, with their class where one is learned. */
  readonly examples: readonly { readonly pieces: readonly TokenPiece[]; readonly label?: string }[]
}

export interface TryOptions {
  /** Keeps the Arrow files there; otherwise they are only counted. */
  readonly out?: string | undefined
  /** How many examples to give, 3 by default. */
  readonly examples?: number
}

/** Prepares the data of a configuration without a run. Throws UserError as `prepareData` does. */
export async function tryData(given: RunConfig, { out, examples = 3 }: TryOptions = {}): Promise<TriedData> {
  const temporary = await mkdtemp(join(tmpdir(), 'ortune-prepare-'))
  try {
    const modelConfig = await readGpt2Config(given.model)
    const maxLength = await maxLengthOf(given)
    const config = await resolveTemplates(given)
    await placeTokenizer(config.model, modelConfig, temporary)
    const data = out ?? join(temporary, 'data')
    const report = await prepareData(config, temporary, data)
    return {
      ...report,
      maxLength,
      context: modelConfig.n_positions,
      templates: config.data.map(({ path, template = config.template }, i) => {
        return { path, template, detected: (given.data[i]!.template ?? given.template) === undefined }
      }),
      examples: await firstExamples(data, temporary, examples),
    }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function firstExamples(
  data: string,
  tokenizerFolder: string,
  count: number,
): Promise<TriedData['examples']> {
  const tokenizer = await loadTokenizer(tokenizerFolder)
  const dataset = openArrowDataset(splitFile(data, 'train'))
  try {
    return Array.from({ length: Math.min(count, dataset.size) }, (_, row) => {
      const example = dataset.row(row)
      const label = dataset.classes[example.labels[0]!]
      return { pieces: tokenPieces(tokenizer, example), ...(label === undefined ? {} : { label }) }
    })
  } finally {
    dataset.close()
  }
}

/**
 * A look at a run's data before there is a run.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { DataSet } from '../data/sets/data_set.ts'
import { factsOf } from '../../graphs/models/family.ts'
import { openArrowDataset } from '../data/sets/arrow_file.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import { promptLength } from '../data/examples/encode.ts'
import type { PrepareReport } from '../data/sets/prepare.ts'
import { splitFile } from '../data/sets/split_files.ts'
import type { TemplateSource } from '../data/templates/template_source.ts'
import { answerPieces, tokenPieces } from '../data/examples/token_pieces.ts'
import type { TokenPiece } from '../data/examples/token_pieces.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { withTemporaryFolder } from '../formats/leftovers.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { placeTokenizer } from './artifacts.ts'
import { maxLengthOf, prepareData, resolveTemplates } from './prepare_data.ts'
import type { RunConfig } from './config.ts'
import { checkConfig, readTaskModel } from './check_config.ts'

export interface TriedData extends PrepareReport {
  /** Most tokens of an example, of one that is evaluated on, and of what the model can read. */
  readonly maxLength: number
  readonly evalMaxLength: number
  readonly context: number
  /** Of each source, in order; detected where the configuration gives none. */
  readonly templates: readonly {
    readonly path: string
    readonly template: TemplateSource
    readonly detected: boolean
  }[]
  /** The first of the training data. */
  readonly examples: readonly TriedExample[]
}

export interface TriedExample {
  readonly pieces: readonly TokenPiece[]
  /** Its class, where one is learned. */
  readonly label?: string
  /** Whether it is one to give, where an answer is judged by itself. */
  readonly desirable?: boolean
  /** Of a pair, whose preferred answer is above: the other one, without the prompt; and the margin between them. */
  readonly rejected?: readonly TokenPiece[]
  readonly margin?: number
  /** Of a prompt, which is above: the answer that the data has to compare with, or none. */
  readonly reference?: readonly TokenPiece[]
}

export interface TryOptions {
  /** Keeps the Arrow files there; otherwise they are only counted. */
  readonly out?: string | undefined
  /** How many examples to give, 3 by default. */
  readonly examples?: number
}

/** Prepares the data of a configuration without a run. Throws UserError as `checkConfig` and `prepareData` do. */
export async function tryData(given: RunConfig, { out, examples = 3 }: TryOptions = {}): Promise<TriedData> {
  checkConfig(given)
  return withTemporaryFolder(async (temporary) => {
    const modelConfig = await readTaskModel(given)
    const maxLength = await maxLengthOf(given)
    const evalMaxLength = await maxLengthOf(given, 'eval_max_length')
    const config = await resolveTemplates(given)
    await writeFile(join(temporary, 'config.json'), JSON.stringify(modelConfig))
    await placeTokenizer(config.model, modelConfig, temporary)
    const data = out ?? join(temporary, 'data')
    const report = await prepareData(config, temporary, data)
    return {
      ...report,
      maxLength,
      evalMaxLength,
      context: factsOf(modelConfig).context,
      templates: (['data', 'eval_data'] as const).flatMap((key) =>
        (config[key] ?? []).map(({ path, template = config.template }, i) => {
          return { path, template, detected: (given[key]![i]!.template ?? given.template) === undefined }
        }),
      ),
      examples: await firstExamples(data, temporary, examples, report.prompts),
    }
  })
}

async function firstExamples(
  data: string,
  tokenizerFolder: string,
  count: number,
  prompts: boolean,
): Promise<TriedExample[]> {
  const tokenizer = await loadTokenizer(tokenizerFolder)
  const dataset = openArrowDataset(splitFile(data, 'train'))
  try {
    const tried = dataset.layout.examples(dataset.lengths)
    return Array.from({ length: Math.min(count, tried.size) }, (_, i) =>
      prompts ? triedPrompt(tokenizer, dataset.row(i)) : triedExample(tokenizer, dataset, tried.rows(i)),
    )
  } finally {
    dataset.close()
  }
}

function triedPrompt(tokenizer: Tokenizer, example: EncodedExample): TriedExample {
  const pieces = tokenPieces(tokenizer, example).map((piece) => ({ ...piece, learned: false }))
  const reference = answerPieces(pieces, promptLength(example))
  return { pieces: pieces.slice(0, pieces.length - reference.length), reference }
}

function triedExample(tokenizer: Tokenizer, dataset: DataSet, rows: readonly number[]): TriedExample {
  const [example, rejected] = rows.map((row) => dataset.row(row)) as [EncodedExample, EncodedExample?]
  const label = dataset.classes[example.labels[0]!]
  const { margin, desirable } = example
  return {
    pieces: tokenPieces(tokenizer, example),
    ...(label === undefined ? {} : { label }),
    ...(desirable === undefined ? {} : { desirable }),
    ...(rejected ? { rejected: answerPieces(tokenPieces(tokenizer, rejected), promptLength(rejected)) } : {}),
    ...(margin === undefined ? {} : { margin }),
  }
}

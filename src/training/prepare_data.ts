/**
 * A run's data: its sources, through its template and its model's tokenizer, into one Arrow file per split.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openArrowDataset } from '../data/arrow_reader.ts'
import { NO_LOSS } from '../data/encode.ts'
import type { PrepareReport } from '../data/prepare.ts'
import { prepare } from '../data/prepare.ts'
import { splitFile } from '../data/splits.ts'
import { UserError } from '../errors.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import { exists } from '../formats/read_file.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import { placeTokenizer } from './export.ts'
import type { RunConfig } from './run_config.ts'

/**
 * Prepares the data for training in the folder `out`.
 *
 * @param tokenizerFolder where the model's tokenizer lies
 * @throws UserError for sources, templates and lengths that do not work, or where a split to learn from is empty
 */
export async function prepareData(
  config: RunConfig,
  tokenizerFolder: string,
  out: string,
  onRows?: (rows: number) => void,
): Promise<PrepareReport> {
  const { n_positions } = await readGpt2Config(config.model)
  const maxLength = config.max_length ?? n_positions
  if (maxLength > n_positions) {
    throw new UserError(`max_length ${maxLength} exceeds the model's context of ${n_positions}; lower it`)
  }
  if (!(await exists(join(tokenizerFolder, 'tokenizer.json')))) {
    throw new UserError(`${config.model} has no tokenizer.json beside it; add the model's tokenizer`)
  }
  const report = await prepare({
    sources: config.data.map(({ path, split, ...read }) => ({
      path,
      read,
      split: 'validation' in split ? { ...split, seed: config.seed } : split,
    })),
    template: config.template,
    tokenizerFolder,
    maxLength,
    overlong: config.overlong,
    out,
    ...(onRows ? { onProgress: onRows } : {}),
  })
  for (const split of ['train', 'validation'] as const) {
    if (!report.splits[split]?.examples)
      throw new UserError(`the data has no ${split} examples; change the split of its sources`)
  }
  return report
}

/** How an example looks: what the model is given, and what it learns to write after it. */
export interface Sample {
  readonly given: string
  readonly learned: string
}

/**
 * Prepares the data of a configuration without a run.
 *
 * @param out keeps the Arrow files there; otherwise they are only counted
 */
export async function tryData(
  config: RunConfig,
  out?: string,
  onRows?: (rows: number) => void,
): Promise<PrepareReport & { readonly sample: Sample }> {
  const temporary = await mkdtemp(join(tmpdir(), 'ortune-prepare-'))
  try {
    await placeTokenizer(config.model, await readGpt2Config(config.model), temporary)
    const data = out ?? join(temporary, 'data')
    const report = await prepareData(config, temporary, data, onRows)
    return { ...report, sample: await firstSample(data, temporary) }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function firstSample(data: string, tokenizerFolder: string): Promise<Sample> {
  const tokenizer = await loadTokenizer(tokenizerFolder)
  const dataset = openArrowDataset(splitFile(data, 'train'))
  try {
    const { input_ids, labels } = dataset.row(0)
    const split = labels.findIndex((label) => label !== NO_LOSS)
    const [given, learned] = [input_ids.slice(0, split), input_ids.slice(split)]
    return { given: tokenizer.decode([...given]), learned: tokenizer.decode([...learned]) }
  } finally {
    dataset.close()
  }
}

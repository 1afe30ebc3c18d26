/**
 * Every reader of files that come from outside.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'

import type { DataKindName } from '../../src/data/kinds/index.ts'
import { UserError } from '../../src/errors.ts'
import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { readRows } from '../../src/data/sources/read_rows.ts'
import type { ReadOptions } from '../../src/data/sources/rows_of.ts'
import type { Row } from '../../src/data/row.ts'
import { isSft } from '../../src/data/templates/template_source.ts'
import { templateSchema } from '../../src/runs/data_options.ts'
import { checkJson } from '../../src/schema.ts'
import { compileTemplate } from '../../src/data/templates/template.ts'
import { CHAT_TEMPLATE_FILE, readChatTemplate } from '../../src/formats/chat_template.ts'
import { diskFiles } from '../../src/formats/disk_files.ts'
import { readHead } from '../../src/formats/classifier_config.ts'
import { readGenerationConfig } from '../../src/formats/generation_config.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import { readNptConfig } from '../../src/formats/npt_config.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { readJson } from '../../src/formats/read_file.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { chatForm } from '../../src/generation/chat_form.ts'
import { parseState } from '../../src/learning/trainer_state.ts'
import { inspect } from '../../src/report/inspection.ts'
import { writeTrainingCurves } from '../../src/report/write_training_curves.ts'
import { readConfigFile } from '../../src/cli/config_file.ts'
import { readPrompts, readTexts } from '../../src/cli/prompts.ts'
import { readCurriculum } from '../../src/runs/curriculum/kept.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { truncateRecords } from '../../src/runs/log.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
import { writeTinyAdapter, writeTinyModel } from '../../test/tiny_model.ts'
import * as models from './samples/models.ts'
import * as rowsIn from './samples/rows.ts'
import * as runs from './samples/runs.ts'
import { json, jsonLines, safetensors, yaml } from './structures.ts'
import type { Target } from './target.ts'

/** As the configuration of a run and the sources of its data check them. */
const templateAndRow = z.object({
  template: templateSchema.refine((template) => isSft(template), 'no template to learn from'),
  row: z.record(z.string(), z.unknown()).transform((row) => row as Row),
})

/** Reads all rows of a source. */
const rows =
  (file: string, options?: ReadOptions) =>
  async (folder: string): Promise<void> => {
    for await (const row of readRows(join(folder, file), options)) void row
  }

/** A sound file that another writes into the folder. */
const written =
  (file: string, write: (folder: string) => Promise<void>) =>
  async (folder: string): Promise<Uint8Array[]> => {
    await write(folder)
    return [await readFile(join(folder, file))]
  }

async function useTokenizer(folder: string): Promise<void> {
  const tokenizer = await loadTokenizer(folder)
  const ids = tokenizer.encode(models.TEXT)
  tokenizer.decode(ids)
}

/** Rows of a kind of data, read by the template that their columns tell: odd ones are an error, then passed over. */
const rowsOf = (kind: DataKindName) => ({
  file: 'rows.jsonl',
  text: true,
  structure: jsonLines,
  samples: rowsIn.rowsOf(kind),
  async read(folder: string) {
    try {
      await rowsIn.prepareRows(folder, 'rows', kind)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      await rowsIn.prepareRows(folder, 'rows', kind, 'skip')
    }
  },
})

export const targets = {
  csv: { file: 'rows.csv', text: true, samples: rowsIn.csv, read: rows('rows.csv') },
  tsv: { file: 'rows.tsv', text: true, samples: rowsIn.tsv, read: rows('rows.tsv') },
  jsonl: {
    file: 'rows.jsonl',
    text: true,
    structure: jsonLines,
    samples: rowsIn.jsonl,
    read: rows('rows.jsonl'),
  },
  json: {
    file: 'rows.json',
    text: true,
    structure: json,
    samples: rowsIn.jsonArray,
    read: rows('rows.json'),
  },
  parquet: { file: 'rows.parquet', samples: rowsIn.parquet, read: rows('rows.parquet') },
  'rows of texts': rowsOf('sft'),
  'rows of classes': rowsOf('classification'),
  'rows of pairs': rowsOf('preference'),
  'rows of judged answers': rowsOf('unpaired'),
  'rows of prompts': rowsOf('prompt'),
  arrow: {
    file: 'train.arrow',
    samples: rowsIn.arrow,
    read(folder) {
      const dataset = openArrowDataset(join(folder, 'train.arrow'))
      try {
        for (let row = 0; row < dataset.size; row++) dataset.row(row)
      } finally {
        dataset.close()
      }
    },
  },
  prompts: {
    file: 'prompts.jsonl',
    text: true,
    structure: jsonLines,
    samples: rowsIn.prompts,
    async read(folder) {
      await readTexts([], join(folder, 'prompts.jsonl'))
      await readPrompts([], join(folder, 'prompts.jsonl'))
    },
  },
  config: {
    file: 'config.yaml',
    text: true,
    structure: yaml,
    samples: runs.configs,
    read: (folder) => readConfigFile(join(folder, 'config.yaml'), []),
  },
  overrides: {
    file: 'overrides.txt',
    text: true,
    samples: runs.overrides,
    async read(folder) {
      const overrides = (await readFile(join(folder, 'overrides.txt'), 'utf8')).split('\n')
      return readConfigFile(join(folder, 'config.yaml'), overrides)
    },
  },
  template: {
    file: 'template.json',
    text: true,
    structure: json,
    samples: runs.templates,
    async read(folder) {
      const path = join(folder, 'template.json')
      const { template, row } = checkJson(templateAndRow, await readJson(path), path)
      compileTemplate(template).render(row, 'row 1')
    },
  },
  'config.json': {
    file: 'config.json',
    text: true,
    structure: json,
    samples: models.modelConfigs,
    async read(folder) {
      await readModelConfig(folder)
      await readHead(folder)
      await readNptConfig(folder)
    },
  },
  'generation_config.json': {
    file: 'generation_config.json',
    text: true,
    structure: json,
    samples: models.generationConfigs,
    read: (folder) => readGenerationConfig(diskFiles(folder)),
  },
  'chat_template.jinja': {
    file: CHAT_TEMPLATE_FILE,
    text: true,
    samples: models.chatTemplates,
    async read(folder) {
      const chat_template = (await readChatTemplate(diskFiles(folder)))!
      const tokens = { special: new Map([['</s>', 1]]), names: { eos_token: '</s>' }, eosId: 1 }
      const form = chatForm({ chat_template }, tokens)
      form.prompt({ you: 'Hi' }, [{ answers: { you: 'Hello' }, reply: 'Yes?' }])
    },
  },
  'model folder': {
    file: 'config.json',
    text: true,
    structure: json,
    samples: written('config.json', writeTinyModel),
    async read(folder) {
      await openModelFolder(folder)
      await inspect(folder)
    },
  },
  'tokenizer.json': {
    file: 'tokenizer.json',
    text: true,
    structure: json,
    samples: models.tokenizers,
    read: useTokenizer,
  },
  'tokenizer_config.json': {
    file: 'tokenizer_config.json',
    text: true,
    structure: json,
    samples: written('tokenizer_config.json', writeTinyModel),
    read: useTokenizer,
  },
  safetensors: {
    file: 'model.safetensors',
    structure: safetensors,
    samples: written('model.safetensors', writeTinyModel),
    async read(folder) {
      await readTensors(join(folder, 'model.safetensors'))
      await openModelFolder(folder)
    },
  },
  'adapter_config.json': {
    file: 'adapter_config.json',
    text: true,
    structure: json,
    samples: written('adapter_config.json', writeTinyAdapter),
    read: readPeftAdapter,
  },
  adapter: {
    file: 'adapter_model.safetensors',
    structure: safetensors,
    samples: written('adapter_model.safetensors', writeTinyAdapter),
    read: readPeftAdapter,
  },
  'ortune.json': {
    file: 'run/ortune.json',
    text: true,
    structure: json,
    samples: written('run/ortune.json', runs.writeRun),
    async read(folder) {
      await readRunManifest(join(folder, 'run'))
      await inspect(join(folder, 'run'))
    },
  },
  'training.json': {
    file: 'run/training.json',
    text: true,
    structure: json,
    samples: written('run/training.json', runs.writeRun),
    read: (folder) => readRunConfig(join(folder, 'run')),
  },
  'curriculum.json': {
    file: 'curriculum.json',
    text: true,
    structure: json,
    samples: runs.curricula,
    read: readCurriculum,
  },
  'trainer_state.json': {
    file: 'trainer_state.json',
    text: true,
    structure: json,
    samples: runs.trainerStates,
    async read(folder) {
      const path = join(folder, 'trainer_state.json')
      return parseState(await readJson(path), 'ppo', path)
    },
  },
  'log.jsonl': {
    file: 'log.jsonl',
    text: true,
    structure: jsonLines,
    samples: runs.logs,
    async read(folder) {
      await truncateRecords(join(folder, 'log.jsonl'), 5)
      await writeTrainingCurves(folder)
    },
  },
  onnx: {
    file: 'model.onnx',
    samples: runs.graphs,
    read: (folder) => inspect(join(folder, 'model.onnx')),
  },
} as const satisfies Record<string, Target>

export type TargetName = keyof typeof targets

export const TARGET_NAMES = Object.keys(targets) as TargetName[]

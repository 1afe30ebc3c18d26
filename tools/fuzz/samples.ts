/**
 * Sound files, small ones of every form.
 * @module
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { DataKindName } from '../../src/data/kinds/index.ts'
import { prepare } from '../../src/data/sets/prepare.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { createRun } from '../../src/runs/create.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { writeTinyModel, writeWords } from '../../test/tiny_model.ts'

type Samples = (folder: string) => Promise<readonly Uint8Array[]>

const root = join(import.meta.dirname, '..', '..')
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const texts =
  (...files: readonly string[]): Samples =>
  async () =>
    files.map(encode)
const values =
  (...files: readonly unknown[]): Samples =>
  async () =>
    files.map((value) => encode(JSON.stringify(value)))
const lines =
  (...files: readonly (readonly unknown[])[]): Samples =>
  async () =>
    files.map((records) => encode(records.map((record) => `${JSON.stringify(record)}\n`).join('')))

/** What tokenizers are tried on: words, numbers, white space, other scripts, a special token. */
export const TEXT = "A dog's 12 words, naïve  日本語 💥\n\t<|endoftext|> [CLS] end"

export const csv = texts(
  'word,definition,split\ndog,"an animal, which ""barks""",train\ncat,"an\nanimal",train\n\nsea,much water,test\n',
  'a;b\r\n1;2\r\n3;4\r\n',
)
export const tsv = texts('sentence\tlabel\na "quoted one\tpos\nan other\'s\tneg\n')

const rows = [
  { prompt: 'Q', completion: 'A', nested: { list: [1, 'two', null], flag: true }, number: 1.5 },
  { prompt: 'Why?', completion: 'Because “so”.', nested: null, number: 9007199254740991 },
]
export const jsonl = lines(rows)
export const jsonArray = values(rows)
export const prompts = lines(['Word: dog ;', 'Two\nlines'])

export async function parquet(): Promise<readonly Uint8Array[]> {
  const names = ['none', 'snappy', 'gzip', 'zstd']
  return Promise.all(
    names.map((name) => readFile(join(root, 'test', 'data', 'fixtures', `rows_${name}.parquet`))),
  )
}

const message = (role: string, content: unknown) => ({ role, content })
const turns = [message('user', 'Hi'), message('assistant', 'Hello')]

/** Rows of each kind of data in several forms, as their columns tell them. */
export const kindRows: Readonly<Record<DataKindName, readonly (readonly object[])[]>> = {
  sft: [
    [{ messages: [message('system', 'Be kind'), ...turns] }, { messages: turns, tools: null }],
    [
      {
        conversations: [
          { from: 'human', value: 'Hi' },
          { from: 'gpt', value: 'Hello' },
        ],
        id: 'a',
      },
    ],
    [
      { prompt: 'Q', completion: 'A' },
      { prompt: 'Why?', completion: 'Because.' },
    ],
    [{ instruction: 'Do', input: '', output: 'Done' }],
    [{ word: 'dog', definition: 'an animal', example: '' }],
    [{ text: 'a plain text' }],
  ],
  classification: [
    [
      { text: 'a text', label: 'good' },
      { text: 'one more', label: 'bad' },
    ],
    [
      { sentence: 'a text', label: 0 },
      { sentence: 'one more', label: 1 },
    ],
  ],
  preference: [
    [{ prompt: 'Q', chosen: 'yes', rejected: 'no', margin: 0.5 }],
    [{ chosen: turns, rejected: [turns[0], message('assistant', 'No')] }],
    [{ chosen: 'Human: Hi Assistant: Hello', rejected: 'Human: Hi Assistant: No' }],
  ],
  unpaired: [
    [true, false].map((label) => ({ prompt: 'Q', completion: 'A', label })),
    [{ prompt: turns.slice(0, 1), completion: turns.slice(1), label: true }],
  ],
  prompt: [[{ prompt: 'Q' }], [{ prompt: turns.slice(0, 1) }], [{ word: 'dog' }]],
}

/** Rows of a kind, beside a model. */
export const rowsOf =
  (kind: DataKindName): Samples =>
  async (folder) => {
    await writeTinyModel(join(folder, 'model'))
    return lines(...kindRows[kind])(folder)
  }

/** Makes a data set of `<rows>.jsonl` in a folder with a model. */
export async function prepareRows(
  folder: string,
  rows: string,
  task: DataKindName,
  oddRows: 'error' | 'skip' = 'error',
): Promise<string> {
  const sources = [{ path: join(folder, `${rows}.jsonl`), split: { all: 'train' } }] as const
  const out = join(folder, task)
  await prepare({ sources, task, oddRows, tokenizerFolder: join(folder, 'model'), maxLength: 64, out })
  return out
}

/** A data set of each kind. */
export async function arrow(folder: string): Promise<readonly Uint8Array[]> {
  const files: Uint8Array[] = []
  for (const [name, [rows]] of Object.entries(kindRows)) {
    const kind = name as DataKindName
    await rowsOf(kind)(folder)
    await writeFile(join(folder, `${kind}.jsonl`), rows!.map((one) => `${JSON.stringify(one)}\n`).join(''))
    files.push(await readFile(join(await prepareRows(folder, kind, kind), 'train.arrow')))
  }
  return files
}

/** How a model writes, beside the model. */
export async function generationConfigs(folder: string): Promise<readonly Uint8Array[]> {
  await writeTinyModel(folder)
  return values(
    { do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.9, repetition_penalty: 1.1, max_length: 64 },
    {
      eos_token_id: [1, 2],
      bos_token_id: 0,
      num_beams: 4,
      suppress_tokens: [3],
      transformers_version: '5.0.0',
    },
  )(folder)
}

/** Templates of models for conversations. */
export const chatTemplates = texts(
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message.content | trim }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
  "{%- if messages[0].role == 'system' -%}{% set system = messages[0].content %}{%- endif -%}{% for m in messages[1:] %}{% if loop.last %}!{% endif %}{{ m.content }}{% else %}none{% endfor %}{{ raise_exception('no') if not messages }}",
)

/** Configurations of tasks as they come with the sources. */
export async function configs(): Promise<readonly Uint8Array[]> {
  const names = ['dictionary_forward', 'emotion', 'instruct', 'npt', 'ppo', 'kto']
  const sound = await Promise.all(names.map((name) => readFile(join(root, 'data', `${name}.yaml`))))
  const aliases = 'defaults: &d {r: 8}\n'
  return [
    ...sound,
    encode(
      `model: m\noutput_dir: o\nlora: &d {r: 8}\ndata: [{path: a.csv, split: {all: train}}]\n# ${aliases}`,
    ),
  ]
}

export async function overrides(folder: string): Promise<readonly Uint8Array[]> {
  await copyFile(join(root, 'data', 'dictionary.yaml'), join(folder, 'config.yaml'))
  return [encode('learning_rate=1e-4\nlora.r=16'), encode('data.0.path=a.csv\ntemplate={text: a}\nlora=full')]
}

/** A template and a row for it. */
export const templates = values(
  {
    template: { prompt: 'Word: {{ word }} ;', completion: ' {{ definition | trim }}' },
    row: { word: 'dog', definition: 'an animal' },
  },
  {
    template: {
      text: '{% for t in tags %}{{ loop.index }}{{ t }}{% if a.b is defined %}{{ a.b }}{% endif %}{% endfor %}',
    },
    row: { tags: ['x', 'y'], a: { b: 1 } },
  },
  {
    template: {
      system: '{{ content }}\n',
      user: 'U: {{ content }}\n',
      assistant: 'A: {{ content }}<|endoftext|>',
    },
    row: {
      messages: [
        { role: 'user', content: 'Hi' },
        { from: 'gpt', value: 'Hello' },
      ],
    },
  },
)

const gpt2 = { model_type: 'gpt2', n_layer: 2, n_head: 2, n_embd: 32, n_positions: 64, vocab_size: 512 }
const bert = {
  ...{ model_type: 'bert', vocab_size: 64, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 32, hidden_act: 'gelu', max_position_embeddings: 32, type_vocab_size: 2 },
}
export const modelConfigs = values(
  { ...gpt2, npt: { rank: 2, layers: [1] }, eos_token_id: 511, activation_function: 'gelu_new' },
  {
    ...bert,
    architectures: ['BertForSequenceClassification'],
    id2label: { 0: 'bad', 1: 'good' },
    label2id: { bad: 0, good: 1 },
  },
)

const special = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  special: true,
})

/** GPT-2's, one that cuts as Llama 3 does, BERT's and a unigram model, each with few tokens. */
export async function tokenizers(): Promise<readonly Uint8Array[]> {
  const { 'tokenizer.json': file } = await gpt2TokenizerFiles(20)
  const bytePairs = JSON.parse(file!) as { model: { vocab: object }; added_tokens: object[] }
  const cut =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
  const split = { type: 'Split', pattern: { Regex: cut }, behavior: 'Isolated', invert: false }
  const llama = {
    ...bytePairs,
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { String: '¤' }, content: '$' }],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [split, { type: 'ByteLevel', add_prefix_space: false, use_regex: false }],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: {},
    },
  }
  const words = [
    '[PAD]',
    '[UNK]',
    '[CLS]',
    '[SEP]',
    'a',
    'dog',
    '##s',
    '1',
    '##2',
    ',',
    "'",
    'word',
    '<|endoftext|>',
  ]
  const wordPiece = {
    added_tokens: words.slice(0, 4).map(special),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  }
  const unigram = {
    added_tokens: [special('<|endoftext|>', 0)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Precompiled', precompiled_charsmap: '' },
        { type: 'Strip', strip_left: true },
      ],
    },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'Unigram',
      unk_id: 1,
      vocab: [
        ['<|endoftext|>', 0],
        ['<unk>', 0],
        ['▁', -2],
        ['a', -3],
        ['dog', -4],
        ['s', -5],
      ],
    },
  }
  return [file!, ...[llama, wordPiece, unigram].map((value) => JSON.stringify(value))].map(encode)
}

/** A run that is made and not trained, of plain definitions. */
export async function writeRun(folder: string): Promise<void> {
  await writeTinyModel(join(folder, 'model'))
  const path = join(folder, 'words.csv')
  await writeWords(path)
  const run = join(folder, 'run')
  const data = [{ path, split: { column: 'split' } }]
  const lora = { r: 4, lora_alpha: 8 }
  await createRun(readConfig({ model: join(folder, 'model'), output_dir: run, data, lora, max_steps: 10 }))
}

const state = {
  global_step: 7,
  epoch: 1,
  batch: 2,
  best_metric: 3.5,
  best_step: 5,
  evaluations_without_improvement: 1,
}
export const trainerStates = values(state, {
  ...state,
  best_metric: null,
  best_step: null,
  ppo: { kl_coef: 0.1 },
})

const log = Array.from({ length: 12 }, (_, i) =>
  i % 4 === 3
    ? { step: i, epoch: 0, eval_loss: 3 / (i + 1), best: true }
    : { step: i + 1, epoch: 0, loss: 4 / (i + 1), learning_rate: 1e-3, tokens: 100, grad_norm: 1 },
)

/** Of a run, which is written beside it. */
export async function logs(folder: string): Promise<readonly Uint8Array[]> {
  await mkdir(folder, { recursive: true })
  await writeRun(folder)
  await copyFile(join(folder, 'run', 'training.json'), join(folder, 'training.json'))
  return lines(log)(folder)
}

/** A training graph. */
export async function graphs(folder: string): Promise<readonly Uint8Array[]> {
  await writeRun(folder)
  return [
    await readFile(join(folder, 'run', 'optimizer_model.onnx')),
    await readFile(join(folder, 'run', 'eval_model.onnx')),
  ]
}

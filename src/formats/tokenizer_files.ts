/**
 * The tokenizer of a model folder, in any of the ways in which it is kept: `tokenizer.json`, or a vocabulary alone, `vocab.json`
 * with `merges.txt` of a GPT-2, `vocab.txt` of a BERT; and beside them `tokenizer_config.json`, `special_tokens_map.json` and
 * `added_tokens.json`.
 * @module
 */
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { checkJson } from '../schema.ts'
import type { TokenizerConfig } from '../text/tokenizer_config.ts'
import { isOwnClass, namedTokens, tokenizerConfigSchema } from '../text/tokenizer_config.ts'
import type { Files } from './files.ts'

/** Files that belong to a model's tokenizer. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'vocab.txt',
] as const

type TokenizerFile = (typeof TOKENIZER_FILES)[number]

export interface TokenizerFiles {
  /** The value of `tokenizer.json`, or what it would be. */
  readonly json: unknown
  /** The value of `tokenizer_config.json`, with what the older files say. */
  readonly config: unknown
  /** What errors call it. */
  readonly where: string
}

/** Which files of a tokenizer there are, in the order of {@link TOKENIZER_FILES}. */
export async function tokenizerFilesIn(files: Files): Promise<TokenizerFile[]> {
  const names = await files.names()
  return TOKENIZER_FILES.filter((name) => names.includes(name))
}

/** Whether there is a tokenizer. */
export const hasTokenizer = async (files: Files): Promise<boolean> =>
  keptAs(await tokenizerFilesIn(files)) !== undefined

/**
 * Reads the tokenizer among files.
 * @throws UserError where there is none, a file is broken, or it is of a class whose vocabulary does not say all
 */
export async function readTokenizerFiles(files: Files): Promise<TokenizerFiles> {
  const present = await tokenizerFilesIn(files)
  const kept = keptAs(present)
  if (kept === undefined)
    throw new UserError(
      `${files.where} has no tokenizer, neither tokenizer.json nor vocab.json with merges.txt nor vocab.txt; copy the model's own there`,
    )
  const config = await readConfig(files, present)
  return { json: await readers[kept](files, config), config, where: files.path(kept) }
}

/** The file that the vocabulary is read from, the fullest first. */
const keptAs = (present: readonly TokenizerFile[]): keyof typeof readers | undefined => {
  if (present.includes('tokenizer.json')) return 'tokenizer.json'
  if (present.includes('vocab.json') && present.includes('merges.txt')) return 'vocab.json'
  return present.includes('vocab.txt') ? 'vocab.txt' : undefined
}

const readers = {
  'tokenizer.json': readVocabulary,
  'vocab.json': readByteLevel,
  'vocab.txt': readWordPiece,
}

/** In bytes; tokenizers of a quarter of a million tokens have some thirty million. */
const MOST_VOCABULARY = 2 ** 27

async function readVocabulary(files: Files): Promise<unknown> {
  return files.json('tokenizer.json', MOST_VOCABULARY)
}

async function readByteLevel(files: Files, config: TokenizerConfig): Promise<unknown> {
  checkClass(files.path('vocab.json'), config, 'BPE', 'GPT2Tokenizer')
  const vocab = (await files.json('vocab.json', MOST_VOCABULARY)) as Record<string, number>
  const lines = linesOf(await files.text('merges.txt'))
  const { describeByteLevel } = await import('../text/describe_tokenizer.ts')
  return describeByteLevel(
    vocab,
    lines.filter((line) => line !== '' && !line.startsWith('#version')),
  )
}

async function readWordPiece(files: Files, config: TokenizerConfig): Promise<unknown> {
  checkClass(files.path('vocab.txt'), config, 'WordPiece', 'BertTokenizer')
  // The last of equal lines counts, as in transformers.
  const vocab = Object.fromEntries(
    linesOf(await files.text('vocab.txt')).map((line, id) => [line.trimEnd(), id]),
  )
  const named = (token: TokenizerConfig['cls_token'], usual: string) => token?.content ?? usual
  const { describeWordPiece } = await import('../text/describe_tokenizer.ts')
  return describeWordPiece(vocab, {
    cls: named(config.cls_token, '[CLS]'),
    sep: named(config.sep_token, '[SEP]'),
    unk: named(config.unk_token, '[UNK]'),
  })
}

/** The lines of a text; what follows the last end of line is one only where there is something. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function checkClass(path: string, config: TokenizerConfig, type: string, known: string): void {
  if (!isOwnClass(config, type))
    throw new UserError(
      `${path} is the vocabulary of a ${quote(config.tokenizer_class)}, of which only tokenizer.json can be read, and of such files ${known}'s; open it in transformers and save it with save_pretrained`,
    )
}

const addedSchema = z.record(z.string(), z.int().min(0))

/**
 * `tokenizer_config.json` with what the older files say, which counts where it does not list the added tokens itself.
 */
async function readConfig(files: Files, present: readonly TokenizerFile[]): Promise<TokenizerConfig> {
  const read = async (name: TokenizerFile): Promise<unknown> =>
    present.includes(name) ? files.json(name) : {}
  const check = (json: unknown, name: TokenizerFile) =>
    checkJson(tokenizerConfigSchema, json, files.path(name))
  const config = check(await read('tokenizer_config.json'), 'tokenizer_config.json')
  if (config.added_tokens_decoder) return config
  const map = check(await read('special_tokens_map.json'), 'special_tokens_map.json')
  const whole = { ...config, ...map }
  const ids = checkJson(addedSchema, await read('added_tokens.json'), files.path('added_tokens.json'))
  const special = new Set(namedTokens(whole).map(({ content }) => content))
  const added_tokens_decoder = Object.fromEntries(
    Object.entries(ids).map(([content, id]) => [id, { content, special: special.has(content) }]),
  )
  return check(
    { ...whole, ...(present.includes('added_tokens.json') ? { added_tokens_decoder } : {}) },
    'added_tokens.json',
  )
}

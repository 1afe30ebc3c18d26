/**
 * What a `tokenizer_config.json` changes of a tokenizer, as transformers does it: classes such as `BertTokenizer` take the
 * vocabulary of `tokenizer.json` and their own settings from here, whatever `tokenizer.json` says of them.
 * @module
 */
import { z } from 'zod'

import { checkJson } from '../schema.ts'
import { BERT_NORMALIZER } from './bert_words.ts'
import { endOfText } from './byte_level.ts'
import type { AddedToken, CheckedTokenizer, TokenizerJson } from './tokenizer_json.ts'
import { addedTokenSchema, checkTokenizerJson } from './tokenizer_json.ts'

const named = z
  .union([
    z
      .string()
      .min(1)
      .transform((content) => addedTokenSchema.parse({ content, special: true })),
    addedTokenSchema,
  ])
  .nullish()

const flag = z.boolean().nullish()

/** A token that a configuration names; which id it has is for the vocabulary to say. */
export type NamedToken = z.infer<typeof addedTokenSchema>

/** The keys that are read; others are kept. */
export const tokenizerConfigSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  do_lower_case: flag,
  strip_accents: flag,
  tokenize_chinese_chars: flag,
  add_prefix_space: flag,
  add_bos_token: flag,
  bos_token: named,
  eos_token: named,
  unk_token: named,
  sep_token: named,
  pad_token: named,
  cls_token: named,
  mask_token: named,
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), addedTokenSchema).nullish(),
  additional_special_tokens: z.array(named).nullish(),
  extra_special_tokens: z.union([z.array(named), z.record(z.string(), named)]).nullish(),
})

export type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>

/** The classes whose settings are followed, by the kind of the model that they are of. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  BPE: /^GPT2Tokenizer$/,
  WordPiece: /^(\w*BertTokenizer|ElectraTokenizer)$/,
}

/** Whether a class is the one that models of such a kind have, which it also is where nothing is said. */
export const isOwnClass = ({ tokenizer_class }: TokenizerConfig, type: string): boolean =>
  tokenizer_class == null || CLASSES[type]?.test(tokenizer_class.replace(/Fast$/, '')) === true

/**
 * The tokenizer that `tokenizer.json` and `tokenizer_config.json` describe together.
 *
 * @param where what errors call the former
 * @throws UserError where one of them is broken
 */
export function effectiveTokenizer(json: unknown, config: unknown, where: string): CheckedTokenizer {
  const settings = checkJson(tokenizerConfigSchema, config, `the tokenizer_config.json of ${where}`)
  return checkTokenizerJson(configured(checkTokenizerJson(json, where), settings), where)
}

function configured(checked: CheckedTokenizer, config: TokenizerConfig): TokenizerJson {
  const { description } = checked
  const { normalizer, pre_tokenizer, model } = description
  const whole = { ...description, added_tokens: withNamed(checked, config) }
  if (!isOwnClass(config, model.type)) return whole
  if (model.type === 'WordPiece' && (normalizer === null || normalizer.type === BERT_NORMALIZER))
    return { ...whole, normalizer: bertNormalizer(config) }
  if (pre_tokenizer?.type === 'ByteLevel')
    return {
      ...whole,
      pre_tokenizer: { ...pre_tokenizer, add_prefix_space: config.add_prefix_space ?? false },
    }
  return whole
}

/** How `BertTokenizer` normalises: in lower case and without accents, where nothing is said. */
const bertNormalizer = ({ do_lower_case, strip_accents, tokenize_chinese_chars }: TokenizerConfig) => ({
  type: BERT_NORMALIZER,
  clean_text: true,
  handle_chinese_chars: tokenize_chinese_chars ?? true,
  strip_accents: strip_accents ?? null,
  lowercase: do_lower_case ?? true,
})

/**
 * The added tokens, and after them those that the configuration alone has: in the order of its ids, then of its names. A
 * token of the vocabulary keeps its id; others follow the last one.
 */
function withNamed({ description, vocabulary }: CheckedTokenizer, config: TokenizerConfig): AddedToken[] {
  const tokens = [...description.added_tokens]
  const known = new Set(tokens.map(({ content }) => content))
  const decoder = Object.entries(config.added_tokens_decoder ?? {})
  const stated = decoder.sort(([a], [b]) => Number(a) - Number(b)).map(([, token]) => token)
  // What ends a text is no token to be added, nor are the names that nobody gave.
  const given = namedTokens({ ...config, eos_token: null })
  const present = namedTokens({ ...defaultNames(config, description.model.type), ...config }).filter(
    ({ content }) => vocabulary.has(content),
  )
  for (const token of [...stated, ...given, ...present]) {
    if (known.has(token.content)) continue
    known.add(token.content)
    const last = tokens.reduce((highest, { id }) => Math.max(highest, id), vocabulary.size - 1)
    tokens.push({ ...token, id: vocabulary.get(token.content) ?? last + 1 })
  }
  return tokens
}

/** The special tokens that a class has where nothing is said. */
function defaultNames(config: TokenizerConfig, type: string): TokenizerConfig {
  if (!isOwnClass(config, type)) return {}
  return tokenizerConfigSchema.parse(
    type === 'WordPiece'
      ? {
          unk_token: '[UNK]',
          sep_token: '[SEP]',
          pad_token: '[PAD]',
          cls_token: '[CLS]',
          mask_token: '[MASK]',
        }
      : { bos_token: endOfText, eos_token: endOfText, unk_token: endOfText },
  )
}

/** What configurations name in `bos_token`, `eos_token` …, by these keys. */
export const tokenNames = (config: TokenizerConfig): Record<string, string> =>
  Object.fromEntries(
    Object.entries(config).flatMap(([key, token]) => {
      const { content = token } = (token ?? {}) as Partial<NamedToken>
      return key.endsWith('_token') && typeof content === 'string' ? [[key, content]] : []
    }),
  )

/** The special tokens that have a name. */
export function namedTokens(config: TokenizerConfig): NamedToken[] {
  const { bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token } = config
  const { additional_special_tokens, extra_special_tokens } = config
  return [
    ...[bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token],
    ...(additional_special_tokens ?? []),
    ...Object.values(extra_special_tokens ?? []),
  ].filter((token) => token != null)
}

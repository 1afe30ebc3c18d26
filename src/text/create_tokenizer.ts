/**
 * Any `tokenizer.json`, through @huggingface/tokenizers. Touches no file, so it runs in a browser.
 * @module
 */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { checkJson } from '../schema.ts'
import { withinTime } from '../within_time.ts'
import { bosIds, following } from './beginning.ts'
import { bertCutting } from './bert_words.ts'
import { checkComponents, checkLength, checkStretch, hasPatterns } from './bounds.ts'
import { mendByteFallback } from './byte_fallback.ts'
import { byteLevelCutting, endOfText } from './byte_level.ts'
import type { Cutting } from './cached_encoder.ts'
import { cachedEncoder } from './cached_encoder.ts'
import { plainEncoder } from './plain_text.ts'
import type { Before, Tokenizer } from './tokenizer.ts'
import type { TokenizerConfig } from './tokenizer_config.ts'
import { effectiveTokenizer, tokenizerConfigSchema, tokenNames } from './tokenizer_config.ts'
import type { AddedToken, TokenizerJson } from './tokenizer_json.ts'

const exactly = { skip_special_tokens: false, clean_up_tokenization_spaces: false }

/**
 * Builds a tokenizer.
 * @param json The value of `tokenizer.json`.
 * @param config The value of `tokenizer_config.json`; names the end of a text, by default `<|endoftext|>`, or for a WordPiece
 * vocabulary the tokens around a text, by default `[CLS]`, `[SEP]` and `[PAD]`. Its settings are followed as transformers does.
 * @param where What errors call the file.
 * @throws UserError where the description is broken or has no token for the end of a text.
 */
export function createTokenizer(json: unknown, config: unknown, where: string): Tokenizer {
  const settings = checkJson(tokenizerConfigSchema, config, `the tokenizer_config.json of ${where}`)
  const { description, vocabulary, ids } = effectiveTokenizer(json, settings, where)
  checkComponents(description, where)
  const special = description.model.type === 'WordPiece' ? bertTokens(ids, settings) : {}
  const eos = settings.eos_token?.content ?? endOfText
  const eosId = special.sepId ?? ids.get(eos)
  if (eosId === undefined)
    throw new UserError(
      `${where} has no token ${quote(eos)} to end a text with; name one as eos_token in tokenizer_config.json`,
    )

  const cutting = cuttingOf(description)
  const cut = cutting ? withoutCutting : (tokens: TokenizerJson) => tokens
  const bounded = hasPatterns(cut(description)) ? withinTime : <T>(act: () => T): T => act()
  const open = (tokens: TokenizerJson) =>
    attempt(where, 'cannot be used', () => bounded(() => build(cut(tokens), config as object)))
  const encoder = (library: HuggingFaceTokenizer, { added_tokens }: TokenizerJson) => {
    const encodeAll = (text: string): number[] => {
      checkStretch(text, description)
      const found: (number | undefined)[] = attempt(where, `fails on the text ${quote(text)}`, () =>
        bounded(() => library.encode(text, { add_special_tokens: false }).ids),
      )
      if (found.includes(undefined)) throw new UserError(`${where} has no tokens for the text ${quote(text)}`)
      return found as number[]
    }
    const encode = cutting ? cachedEncoder(cutting, added_tokens, encodeAll) : encodeAll
    return (text: string) => {
      checkLength(text)
      return encode(text)
    }
  }
  const library = open(description)
  const knows = (id: number): boolean => library.id_to_token(id) !== undefined
  const encode = encoder(library, description)
  const isControl = ({ content, special }: AddedToken): boolean => special || content === eos
  const controls = description.added_tokens.filter(isControl)
  const plainly = (tokens: TokenizerJson) => {
    const plain = { ...tokens, added_tokens: tokens.added_tokens.filter((token) => !isControl(token)) }
    const encodeIt = tokens === description ? encode : encoder(open(tokens), tokens)
    return plainEncoder(controls, encodeIt, () => encoder(open(plain), plain))
  }
  const fromStart = plainly(description)
  const plain = new Map([['nothing', fromStart]])
  const plainAfter = (before: Before) => {
    const tokens = following(description, before)
    const made = plain.get(before) ?? (tokens === description ? fromStart : plainly(tokens))
    plain.set(before, made)
    return made
  }
  return {
    vocabSize: sizeOf(ids),
    ownSize: sizeOf(vocabulary),
    eosId,
    ...special,
    bosIds: bosIds(description, settings, ids),
    knows,
    encode,
    encodePlain: (text, before = 'nothing') => plainAfter(before)(text),
    special: new Map(controls.map(({ content, id }) => [content, id])),
    names: tokenNames(settings),
    decode(given) {
      const known = given.filter(knows)
      if (known.length === 0) return ''
      return attempt(where, 'fails to write tokens as text', () =>
        bounded(() => library.decode(known, exactly)),
      )
    },
  }
}

/** One more than the highest id. */
const sizeOf = (ids: ReadonlyMap<string, number>): number =>
  [...ids.values()].reduce((highest, id) => Math.max(highest, id), -1) + 1

/** The ids of the tokens that a BERT puts around texts, where the vocabulary has them. */
function bertTokens(
  ids: ReadonlyMap<string, number>,
  { cls_token, sep_token, pad_token }: TokenizerConfig,
): Pick<Tokenizer, 'clsId' | 'sepId' | 'padId'> {
  const [clsId, sepId, padId] = [
    [cls_token, '[CLS]'] as const,
    [sep_token, '[SEP]'] as const,
    [pad_token, '[PAD]'] as const,
  ].map(([token, usual]) => ids.get(token?.content ?? usual))
  if (clsId === undefined || sepId === undefined) return {}
  return { clsId, sepId, ...(padId === undefined ? {} : { padId }) }
}

/** How texts are cut, where the way is known here, and added tokens are plain text to be found. */
function cuttingOf(description: TokenizerJson): Cutting | undefined {
  const plain = description.added_tokens.every(
    ({ single_word, lstrip, rstrip }) => !single_word && !lstrip && !rstrip,
  )
  return plain ? (byteLevelCutting(description) ?? bertCutting(description)) : undefined
}

/** The same tokenizer for a text that is one piece already. */
function withoutCutting(description: TokenizerJson): TokenizerJson {
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
  return { ...description, normalizer: null, pre_tokenizer: description.model.type === 'BPE' ? bytes : null }
}

/** Encodes and decodes a little as well, as the library notices some faults only then. No token is ever put around a text. */
function build(description: TokenizerJson, settings: object): HuggingFaceTokenizer {
  const library = new HuggingFaceTokenizer({ ...description, post_processor: null }, settings)
  mendByteFallback(library.decoder)
  library.encode('A 1.', { add_special_tokens: false })
  library.decode([0], exactly)
  return library
}

/** What the library does; what it fails with is the file's fault. */
function attempt<T>(where: string, fails: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new UserError(`${where} ${fails}: ${(error as Error).message}`)
  }
}

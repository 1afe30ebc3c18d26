/**
 * Any `tokenizer.json`, through @huggingface/tokenizers. Touches no file, so it runs in a browser.
 * @module
 */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { checkJson } from '../schema.ts'
import { cachedEncoder, endOfText, isGpt2Like } from './byte_level.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { TokenizerJson } from './tokenizer_json.ts'
import { checkTokenizerJson } from './tokenizer_json.ts'

const token = z
  .union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)])
  .nullable()
  .default(null)

const configSchema = z.looseObject({ eos_token: token, cls_token: token, sep_token: token, pad_token: token })

const exactly = { skip_special_tokens: false, clean_up_tokenization_spaces: false }

/**
 * Builds a tokenizer.
 * @param json The value of `tokenizer.json`.
 * @param config The value of `tokenizer_config.json`; names the end of a text, by default `<|endoftext|>`, or for a WordPiece
 * vocabulary the tokens around a text, by default `[CLS]`, `[SEP]` and `[PAD]`.
 * @param where What errors call the file.
 * @throws UserError where the description is broken or has no token for the end of a text.
 */
export function createTokenizer(json: unknown, config: unknown, where: string): Tokenizer {
  const { description, ids } = checkTokenizerJson(json, where)
  const settings = checkJson(configSchema, config, `the tokenizer_config.json of ${where}`)
  const special = description.model.type === 'WordPiece' ? bertTokens(ids, settings) : {}
  const eos = settings.eos_token ?? endOfText
  const eosId = special.sepId ?? ids.get(eos)
  if (eosId === undefined)
    throw new UserError(
      `${where} has no token ${quote(eos)} to end a text with; name one as eos_token in tokenizer_config.json`,
    )

  const cutHere = isGpt2Like(description)
  const library = build(cutHere ? withoutCutting(description) : description, settings, where)
  const encodeAll = (text: string): number[] => {
    const found: (number | undefined)[] = library.encode(text, { add_special_tokens: false }).ids
    if (found.includes(undefined)) throw new UserError(`${where} has no tokens for the text ${quote(text)}`)
    return found as number[]
  }
  const added = new Map(description.added_tokens.map(({ content, id }) => [content, id]))
  return {
    vocabSize: [...ids.values()].reduce((highest, id) => Math.max(highest, id)) + 1,
    eosId,
    ...special,
    encode: cutHere ? cachedEncoder(added, encodeAll) : encodeAll,
    decode(given) {
      const known = given.filter((id) => library.id_to_token(id) !== undefined)
      return known.length > 0 ? library.decode(known, exactly) : ''
    },
  }
}

/** The ids of the tokens that a BERT puts around texts, where the vocabulary has them. */
function bertTokens(
  ids: ReadonlyMap<string, number>,
  { cls_token, sep_token, pad_token }: z.infer<typeof configSchema>,
): Pick<Tokenizer, 'clsId' | 'sepId' | 'padId'> {
  const [clsId, sepId, padId] = [cls_token ?? '[CLS]', sep_token ?? '[SEP]', pad_token ?? '[PAD]'].map(
    (text) => ids.get(text),
  )
  if (clsId === undefined || sepId === undefined) return {}
  return { clsId, sepId, ...(padId === undefined ? {} : { padId }) }
}

/** The same tokenizer for a text that is one piece already. */
function withoutCutting(description: TokenizerJson): TokenizerJson {
  return { ...description, pre_tokenizer: { ...description.pre_tokenizer!, use_regex: false } }
}

/** Encodes and decodes a little as well, as the library notices some faults only then. */
function build(description: TokenizerJson, settings: object, where: string): HuggingFaceTokenizer {
  try {
    const library = new HuggingFaceTokenizer(description, settings)
    library.encode('A 1.', { add_special_tokens: false })
    library.decode([0], exactly)
    return library
  } catch (error) {
    throw new UserError(`${where} cannot be used: ${(error as Error).message}`)
  }
}

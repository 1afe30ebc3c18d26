/**
 * What a `tokenizer.json` of Hugging Face's tokenizers must hold, checked before anything is built from it.
 * @module
 */
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { checkJson } from '../schema.ts'

/** As many entries as a configuration may have; the largest vocabularies in use have some 260,000. */
const largestVocabulary = 2 ** 22

const step = z.looseObject({ type: z.string() })
const steps = z.array(step).optional()

const component = step
  .extend({ normalizers: steps, pretokenizers: steps, processors: steps, decoders: steps })
  .nullable()
  .default(null)

const tokenFields = {
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().default(false),
}

/** By default special tokens are found in the text as it stands, others in the normalised one. */
const withNormalized = <T extends { normalized?: boolean | undefined; special: boolean }>(token: T) => ({
  ...token,
  normalized: token.normalized ?? !token.special,
})

/** A token that is found whole in any text, as configurations describe it. */
export const addedTokenSchema = z.looseObject(tokenFields).transform(withNormalized)

const schema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), ...tokenFields }).transform(withNormalized)).default([]),
  normalizer: component,
  pre_tokenizer: component,
  post_processor: component,
  decoder: component,
  model: z.looseObject({ type: z.enum(['BPE', 'WordPiece', 'Unigram']) }),
})

/** A `tokenizer.json` whose parts are known to be there. */
export type TokenizerJson = z.infer<typeof schema>

/** A part that texts go through, or one of those that it consists of. */
export type Step = z.infer<typeof step>

export type AddedToken = TokenizerJson['added_tokens'][number]

export interface CheckedTokenizer {
  readonly description: TokenizerJson
  /** The id of every token of the model's own vocabulary. */
  readonly vocabulary: ReadonlyMap<string, number>
  /** The same and those of added tokens. */
  readonly ids: ReadonlyMap<string, number>
}

/** Checks a `tokenizer.json`: every token has one id and every id one token, within bounds, and what BPE merges is known. */
export function checkTokenizerJson(json: unknown, where: string): CheckedTokenizer {
  const description = checkJson(schema, json, where)
  const ids = new Map<string, number>()
  const tokens = new Map<number, string>()
  const add = (token: unknown, id: unknown) => {
    if (typeof token !== 'string')
      throw new UserError(`${where}: the vocabulary has the token ${quote(token)}`)
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= largestVocabulary)
      throw new UserError(`${where}: token ${quote(token)} has the id ${quote(id)}, which is out of bounds`)
    const [otherId, otherToken] = [ids.get(token), tokens.get(id as number)]
    if ((otherId ?? id) !== id)
      throw new UserError(`${where}: token ${quote(token)} has the ids ${otherId} and ${quote(id)}`)
    if ((otherToken ?? token) !== token)
      throw new UserError(
        `${where}: tokens ${quote(otherToken)} and ${quote(token)} have the same id ${quote(id)}`,
      )
    ids.set(token, id as number)
    tokens.set(id as number, token)
  }
  for (const [token, id] of vocabularyEntries(description.model, where)) add(token, id)
  const vocabulary = new Map(ids)
  if (description.model.type === 'BPE') checkMerges(description.model, ids, where)
  for (const { content, id } of description.added_tokens) add(content, id)
  if (ids.size === 0) throw new UserError(`${where}: the vocabulary is empty`)
  return { description, vocabulary, ids }
}

/** Token and id of each entry: Unigram lists [token, score] in the order of ids, the others map token to id. */
function vocabularyEntries(model: TokenizerJson['model'], where: string): (readonly [unknown, unknown])[] {
  const { type, vocab } = model
  if (type === 'Unigram' && Array.isArray(vocab))
    return vocab.map((entry, id) => [Array.isArray(entry) ? entry[0] : entry, id])
  if (type !== 'Unigram' && typeof vocab === 'object' && vocab !== null && !Array.isArray(vocab))
    return Object.entries(vocab)
  throw new UserError(`${where}: model.vocab is not a vocabulary of type ${type}`)
}

/** A merge is "left right" or [left, right]; both and their union must be tokens, or text would vanish. */
function checkMerges(model: TokenizerJson['model'], ids: ReadonlyMap<string, number>, where: string): void {
  const { merges, continuing_subword_prefix: prefix } = model
  if (!Array.isArray(merges)) throw new UserError(`${where}: model.merges is not a list`)
  if (prefix)
    throw new UserError(`${where}: continuing_subword_prefix ${quote(prefix)} is not supported for BPE`)
  if (new Set(merges.map((merge) => typeof merge)).size > 1)
    throw new UserError(`${where}: model.merges holds texts as well as pairs`)
  for (const merge of merges as unknown[]) {
    const pair: unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    const [left, right] = pair
    if (pair.length !== 2 || typeof left !== 'string' || typeof right !== 'string')
      throw new UserError(`${where}: ${quote(merge)} is not a merge of two tokens`)
    for (const token of [left, right, left + right])
      if (!ids.has(token))
        throw new UserError(`${where}: merge ${quote(merge)} needs ${quote(token)}, which is no token`)
  }
}

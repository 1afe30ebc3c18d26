/** @module */
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import type { Before, Tokenizer } from './tokenizer.ts'

/** A text holds a token that its model has not. */
export class BeyondModel extends UserError {}

/**
 * A tokenizer as a model of `vocabulary` ids reads it. It may have more tokens where these were added, as `[PAD]` often is
 * without the model being told; a text that holds one of them is refused.
 *
 * @param where what errors call the folder of both
 * @throws UserError where it is another model's: its own vocabulary is larger, or a token that every text needs is beyond it
 */
export function fitTokenizer(tokenizer: Tokenizer, vocabulary: number, where: string): Tokenizer {
  const { vocabSize, ownSize, eosId, clsId = 0, padId, ...rest } = tokenizer
  if (vocabSize <= vocabulary) return tokenizer
  if (Math.max(ownSize - 1, eosId, clsId, ...(tokenizer.bosIds ?? [])) >= vocabulary)
    throw new UserError(
      `the tokenizer in ${where} has ${vocabSize} tokens but the model ${vocabulary}; use the model's own tokenizer`,
    )
  const fitting = (encode: Tokenizer['encodePlain']) => (text: string, before?: Before) => {
    const ids = encode(text, before)
    const beyond = ids.find((id) => id >= vocabulary)
    if (beyond === undefined) return ids
    const token = quote(tokenizer.decode([beyond]))
    throw new BeyondModel(
      `the text ${quote(text)} holds the token ${token}, whose id ${beyond} the tokenizer has and the model with its ${vocabulary} has not; take it out of the text, or give the model more embeddings with resize_token_embeddings of transformers`,
    )
  }
  return {
    ...rest,
    ...(tokenizer.clsId === undefined ? {} : { clsId }),
    ...(padId === undefined || padId >= vocabulary ? {} : { padId }),
    eosId,
    ownSize,
    vocabSize: vocabulary,
    encode: fitting((text) => tokenizer.encode(text)),
    encodePlain: fitting((text, before) => tokenizer.encodePlain(text, before)),
  }
}

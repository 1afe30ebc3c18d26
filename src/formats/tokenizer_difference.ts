/** @module */
import { isDeepStrictEqual } from 'node:util'

import { quote } from '../quote.ts'
import { readTokenizerFiles } from './tokenizer_files.ts'
import { diskFiles } from './disk_files.ts'
import { effectiveTokenizer } from '../text/tokenizer_config.ts'
import type { TokenizerJson } from '../text/tokenizer_json.ts'

/**
 * Where the tokenizers of two model folders part: in the ids of their tokens, or in how texts are cut into them.
 *
 * @returns a clause such as `" a" has the id 3 there and 4 here`; undefined where they are the same
 * @throws UserError where one is missing or broken
 */
export async function tokenizerDifference(there: string, here: string): Promise<string | undefined> {
  const [theirs, ours] = await Promise.all([there, here].map(readTokenizer))
  for (const token of new Set([...theirs!.ids.keys(), ...ours!.ids.keys()])) {
    const [id, other] = [theirs!.ids.get(token), ours!.ids.get(token)]
    if (id === other) continue
    if (id === undefined) return `there is no ${quote(token)} there`
    return `${quote(token)} has the id ${id} there and ${other === undefined ? 'none' : other} here`
  }
  const [cutsThere, cutsHere] = [theirs!, ours!].map(({ description }) => cuts(description))
  return isDeepStrictEqual(cutsThere, cutsHere) ? undefined : 'texts are cut into tokens in another way there'
}

async function readTokenizer(folder: string) {
  const { json, config, where } = await readTokenizerFiles(diskFiles(folder))
  return effectiveTokenizer(json, config, where)
}

/** What decides how a text is cut, in one of the ways in which it can be written. */
function cuts({ normalizer, pre_tokenizer, model }: TokenizerJson) {
  const merges = (model['merges'] as (string | string[])[] | undefined) ?? []
  return {
    type: model.type,
    merges: merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))),
    normalizer,
    pre_tokenizer,
  }
}

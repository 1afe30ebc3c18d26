/**
 * What a `tokenizer.json` says beside the vocabulary, for the tokenizers of GPT-2 and BERT: written from vocabularies alone.
 * @module
 */
import { BERT_NORMALIZER, BERT_PRE_TOKENIZER } from './bert_words.ts'

const parts = { version: '1.0', truncation: null, padding: null, added_tokens: [] }

/**
 * Byte-level BPE: Radford et al. 2019, §2.2.
 *
 * @param vocab token to id
 * @param merges `left right`, in the order in which they are made
 */
export function describeByteLevel(vocab: Readonly<Record<string, number>>, merges: readonly string[]) {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    ...parts,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  }
}

/** The tokens around a BERT's texts, and what is no token. */
export interface WordPieceNames {
  readonly cls: string
  readonly sep: string
  readonly unk: string
}

/**
 * WordPiece: Devlin et al. 2018, §3. How texts are normalised is for `tokenizer_config.json` to say.
 *
 * @param vocab token to id
 */
export function describeWordPiece(
  vocab: Readonly<Record<string, number>>,
  { cls, sep, unk }: WordPieceNames,
) {
  const special = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } })
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } })
  const single = [special(cls, 0), sequence('A', 0), special(sep, 0)]
  const special_tokens = Object.fromEntries(
    [cls, sep].map((id) => [id, { id, ids: [vocab[id]], tokens: [id] }]),
  )
  return {
    ...parts,
    normalizer: { type: BERT_NORMALIZER },
    pre_tokenizer: { type: BERT_PRE_TOKENIZER },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, sequence('B', 1), special(sep, 1)],
      special_tokens,
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unk,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  }
}

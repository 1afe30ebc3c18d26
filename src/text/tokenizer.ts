/** @module */

/**
 * What stands before a text, as some tokenizers put a blank before what begins: nothing, a special token, or other text that it
 * goes on.
 */
export type Before = 'nothing' | 'token' | 'text'

/** Text to token ids and back. */
export interface Tokenizer {
  /** One more than the highest id that texts may have. */
  readonly vocabSize: number
  /** The same without tokens that were added to the vocabulary. */
  readonly ownSize: number
  /** The token that ends a text; a BERT's separator. */
  readonly eosId: number
  /** Tokens that it puts before every text, such as `<s>`; none where it is missing, and BERT's are not among them. */
  readonly bosIds?: readonly number[]
  /** BERT: the token that every sequence begins with. */
  readonly clsId?: number
  /** BERT: the token that ends each part of a sequence. */
  readonly sepId?: number
  /** BERT: the token that fills up a shorter sequence of a batch. */
  readonly padId?: number
  /**
   * The ids of a text. Special tokens written out in it, such as `<|endoftext|>`, become their ids; none is added.
   * A lone surrogate, which is not text, counts as U+FFFD.
   */
  encode(text: string): number[]
  /** Whether an id is one of a token; a model may have more of them than its tokenizer. */
  knows(this: void, id: number): boolean
  /**
   * The ids of a text from someone else, in which nothing is special: `</s>` or `[SEP]` written out in it is text like any
   * other, as with `split_special_tokens` of transformers.
   *
   * @param before by default nothing
   */
  encodePlain(text: string, before?: Before): number[]
  /** Special tokens, by their text. */
  readonly special: ReadonlyMap<string, number>
  /** The texts of tokens that have a name, which chat templates write: `bos_token`, `eos_token` … */
  readonly names?: Readonly<Record<string, string>>
  /** The text of ids, special tokens written out; bytes that are not UTF-8 become U+FFFD, unknown ids nothing. */
  decode(ids: readonly number[]): string
}

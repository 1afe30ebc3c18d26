/**
 * An encoded example as text again, token by token, for people to look at.
 * @module
 */
import { createDetokenizer } from '../../text/detokenizer.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { NO_LOSS } from './encode.ts'
import type { EncodedExample } from './encode.ts'

/** One token; or several, where a character's bytes are spread over them. */
export interface TokenPiece {
  readonly text: string
  readonly tokens: number
  /** Whether it carries loss. The first token of an example never does, as nothing comes before it. */
  readonly learned: boolean
  /** Whether it is the token that ends a text, and not text that looks like it. */
  readonly end: boolean
}

/** Stands for bytes at the end of an example that are a part of a character, cut from its rest. */
export const CUT_CHARACTER = '‹part of a character›'

/** The pieces of an example in order. Their texts together are the example's text. */
export function tokenPieces(tokenizer: Tokenizer, { input_ids, labels }: EncodedExample): TokenPiece[] {
  const detokenizer = createDetokenizer(tokenizer)
  const pieces: TokenPiece[] = []
  let held: number[] = []
  let learned = false

  function emit(text: string): void {
    if (held.length === 0) return
    pieces.push({ text, tokens: held.length, learned, end: held.length === 1 && held[0] === tokenizer.eosId })
    held = []
    learned = false
  }

  /** What is held back is part of a character, or the character U+FFFD itself. */
  function flush(): void {
    const text = detokenizer.flush()
    const whole = tokenizer.encode(text).join() === held.join()
    emit(whole ? text : text.replace(/\uFFFD+$/, '') + CUT_CHARACTER)
  }

  input_ids.forEach((id, t) => {
    if (id === tokenizer.eosId) flush()
    held.push(id)
    // A classifier's only label is that of no token.
    learned ||= t > 0 && t < labels.length && labels[t] !== NO_LOSS
    const text = detokenizer.push(id)
    if (text !== '') emit(text)
  })
  flush()
  return pieces
}

/** The pieces after the first `tokens` tokens. */
export function answerPieces(pieces: readonly TokenPiece[], tokens: number): TokenPiece[] {
  let seen = 0
  return pieces.filter((piece) => (seen += piece.tokens) > tokens)
}

/** A stretch of an example with or without loss. */
export interface TokenStretch {
  readonly text: string
  readonly tokens: number
  readonly learned: boolean
}

/** Joins pieces that follow one another and are alike in their loss. */
export function tokenStretches(pieces: readonly TokenPiece[]): TokenStretch[] {
  const stretches: TokenStretch[] = []
  for (const { text, tokens, learned } of pieces) {
    const last = stretches.at(-1)
    if (last?.learned === learned) {
      stretches[stretches.length - 1] = { text: last.text + text, tokens: last.tokens + tokens, learned }
    } else stretches.push({ text, tokens, learned })
  }
  return stretches
}

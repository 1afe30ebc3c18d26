/**
 * Text from ids as they come, for streaming: no piece ends inside a character.
 * @module
 */
import type { Tokenizer } from './tokenizer.ts'

export interface Detokenizer {
  /** The text that `id` completes: often its own, nothing while a character lacks bytes. */
  push(id: number): string
  /** What is still held back when the ids have ended. */
  flush(): string
}

/**
 * Starts a text. All pieces together are exactly what `decode` gives for all ids of a text, after those before it.
 *
 * Held-back ids are decoded together with those of the piece before, as some decoders treat the start of a text
 * differently. A result that ends in U+FFFD may lack the rest of its last character and waits for it.
 *
 * @param given ids that the text goes on from, such as a prompt's; none by default
 */
export function createDetokenizer(
  tokenizer: Pick<Tokenizer, 'decode'>,
  given: readonly number[] = [],
): Detokenizer {
  let before = given
  let held: number[] = []

  function emit(text: string): string {
    const piece = text.slice(tokenizer.decode(before).length)
    before = held
    held = []
    return piece
  }

  return {
    push(id) {
      held.push(id)
      const text = tokenizer.decode([...before, ...held])
      return text.endsWith('\uFFFD') ? '' : emit(text)
    },
    flush() {
      return emit(tokenizer.decode([...before, ...held]))
    },
  }
}

/** The text of ids that go on from others; a decoder that takes a blank from the start of texts leaves it here. */
export const decodeAfter = (
  tokenizer: Pick<Tokenizer, 'decode'>,
  before: readonly number[],
  ids: readonly number[],
): string => tokenizer.decode([...before, ...ids]).slice(tokenizer.decode(before).length)

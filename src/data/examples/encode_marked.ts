/** @module */
import type { Before, Tokenizer } from '../../text/tokenizer.ts'
import { CONTROL_MARK } from '../templates/end_of_text.ts'

/**
 * The tokens of rendered text without ends of text: a special token after a CONTROL_MARK is one, any other is text.
 *
 * @param place what stands before it
 */
export function encodeMarked(tokenizer: Tokenizer, text: string, place: Before = 'nothing'): number[] {
  const ids: number[] = []
  const [first, ...marked] = text.split(CONTROL_MARK)
  let plain = first!
  let before = place
  const flush = () => {
    for (const id of plain === '' ? [] : tokenizer.encodePlain(plain, before)) ids.push(id)
  }
  for (const part of marked) {
    const token = [...tokenizer.special.keys()]
      .filter((special) => part.startsWith(special))
      .sort()
      .at(-1)
    if (token === undefined) plain += part
    else {
      flush()
      ids.push(tokenizer.special.get(token)!)
      before = 'token'
      plain = part.slice(token.length)
    }
  }
  flush()
  return ids
}

/** @module */
import { visible } from '../visible_text.ts'

/** A text on one line, cut where it is long. */
export const oneLine = (text: string, most = 160): string => {
  const flat = visible(text.replaceAll(/\s+/g, ' '))
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat
}

/**
 * How BLEU splits a text into tokens, by the names that sacrebleu gives them (Post, 2018).
 * '13a' are the rules of NIST's mteval-v13a.pl, the one that makes published scores comparable.
 * @module
 */

export type BleuTokenizer = '13a' | 'none' | 'char'

/** White space as Python's `str.split` sees it: Unicode's, and the four information separators. */
// eslint-disable-next-line no-control-regex -- these four control characters are meant
const SPACE = /[\p{White_Space}\u001c-\u001f]+/u
// eslint-disable-next-line no-control-regex -- likewise
const TRAILING_SPACE = /[\p{White_Space}\u001c-\u001f]+$/u

const split = (text: string): string[] => text.split(SPACE).filter((token) => token !== '')

const ENTITIES = [
  ['&quot;', '"'],
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
] as const

function split13a(line: string): string[] {
  let text = line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ')
  for (const [entity, character] of ENTITIES) text = text.replaceAll(entity, character)
  return split(
    ` ${text} `
      // ASCII punctuation stands alone, except for: ' , - .
      .replace(/[!-&(-+/:-@[-`{-~]/g, ' $& ')
      // A period or comma stands alone unless it is between digits.
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      // A dash stands alone after a digit.
      .replace(/([0-9])-/g, '$1 - '),
  )
}

export const BLEU_TOKENIZERS: Readonly<Record<BleuTokenizer, (text: string) => string[]>> = {
  '13a': (text) => split13a(text.replace(TRAILING_SPACE, '')),
  none: split,
  char: (text) => split([...text].join(' ')),
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import fc from 'fast-check'

export const readFixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../fixtures/metrics', name), 'utf8')

/** What tools/fixtures/metrics.py wrote; the caller says what is in it. */
export const parseFixture = <T>(name: string): T => JSON.parse(readFixture(name)) as T

/** Few different words, so that they meet often, with accents, ideographs, emoji, punctuation and odd white space. */
export const texts = fc
  .array(
    fc.constantFrom('a', 'b', 'The', 'the', 'cats', 'cat', 'naïve', '東京', '😀', '.', "don't", '3.5', '\n'),
    {
      maxLength: 12,
    },
  )
  .map((words) => words.join(' '))

export const anyText = fc.oneof(texts, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))

/** A text and one to three references. */
export const pair = fc.tuple(anyText, fc.array(anyText, { minLength: 1, maxLength: 3 }))

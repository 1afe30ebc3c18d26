import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { encodeSequence } from '../../src/data/examples/encode.ts'
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import { keptLengths } from '../../src/data/examples/longest_first.ts'
import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import { bertFixture } from '../graphs/bert_fixtures.ts'

interface Expected {
  readonly texts: readonly string[]
  readonly bert: readonly number[][]
  readonly gpt2: readonly number[][]
  readonly pairs: readonly {
    readonly first: string
    readonly second: string
    readonly most: number
    readonly ids: readonly number[]
  }[]
}

describe('texts of the data against transformers', () => {
  let expected: Expected
  let bert: Tokenizer
  before(async () => {
    const file = join(import.meta.dirname, 'fixtures', 'plain_text.json')
    expected = JSON.parse(await readFile(file, 'utf8')) as Expected
    bert = await loadTokenizer(bertFixture('model'))
  })

  it('have special tokens that are written out as text, as with split_special_tokens', async () => {
    const gpt2 = await loadTokenizer('artifacts/pocket')
    for (const [i, text] of expected.texts.entries()) {
      expect(bert.encodePlain(text), text).to.deep.equal(expected.bert[i])
      expect(encodeText(gpt2, text), text).to.deep.equal(expected.gpt2[i])
    }
  })

  it('are cut longest first, as pairs are with truncation=longest_first', () => {
    for (const { first, second, most, ids } of expected.pairs) {
      const found = encodeSequence(bert, first + END_MARK + second, most).ids
      expect(found, `${first}|${second} to ${most}`).to.deep.equal(ids)
    }
  })

  it('keep as many tokens as there is room for', () => {
    expect(keptLengths([5, 2, 9], 20)).to.deep.equal([5, 2, 9])
    expect(keptLengths([5, 2, 9], 10)).to.deep.equal([4, 2, 4])
    expect(keptLengths([5, 2, 9], 11)).to.deep.equal([4, 2, 5])
    expect(keptLengths([5, 5, 5], 4)).to.deep.equal([1, 1, 2])
    expect(keptLengths([5, 5], 0)).to.deep.equal([0, 0])
  })
})

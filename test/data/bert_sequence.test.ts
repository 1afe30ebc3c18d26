import { expect } from 'chai'

import { bertSequence, checkTokenizer, isBertTokenizer } from '../../src/data/examples/bert_sequence.ts'
import { collateEncoder } from '../../src/data/batches/collate_encoder.ts'
import { encodeLabelled, encodePair, encodeSequence, NO_LOSS } from '../../src/data/examples/encode.ts'
import { CONTROL_MARK, END_MARK } from '../../src/data/templates/end_of_text.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { bertFixture, readBertFixture, SEPARATOR } from '../graphs/bert_fixtures.ts'
import { numbersOf } from '../graphs/gpt2_fixtures.ts'
import { tinyConfig, writeTinyModel } from '../tiny_model.ts'
import { userError, withFolder } from './helpers.ts'

interface Encoded {
  readonly input_ids: number[]
  readonly token_type_ids: number[]
}

interface Tokens {
  readonly texts: readonly (Encoded & { readonly text: string })[]
  readonly pairs: readonly (Encoded & { readonly first: string; readonly second: string })[]
  readonly cut: readonly (Encoded & { readonly text: string })[]
}

const CLS = 2

/** As a template writes it, whose control tokens are no text. */
const inTemplate = (text: string): string => text.replace('[MASK]', `${CONTROL_MARK}$&`)

describe('sequences of BERT against transformers', () => {
  let tokenizer: Tokenizer
  let expected: Tokens
  before(async () => {
    tokenizer = await loadTokenizer(bertFixture('model'))
    expected = await readBertFixture('tokens.json')
  })

  const typesOf = async (ids: readonly number[]) => {
    const config = await readModelConfig(bertFixture('model'))
    const tokens = { config, pooling: 'last', separator: tokenizer.sepId } as const
    const feeds = collateEncoder([{ input_ids: Int32Array.from(ids) }], tokens)
    return numbersOf(feeds)['token_type_ids']
  }

  it('finds the special tokens, and ends a text with [SEP]', () => {
    expect(tokenizer).to.include({ clsId: CLS, sepId: SEPARATOR, padId: 0, eosId: SEPARATOR })
  })

  it('has the ids and token types of texts and of pairs', async () => {
    for (const { text, input_ids, token_type_ids } of expected.texts) {
      const { ids, cut } = encodeSequence(tokenizer, inTemplate(text), 40)
      expect(ids, text).to.deep.equal(input_ids)
      expect(cut).to.equal(0)
      expect(await typesOf(ids)).to.deep.equal(token_type_ids)
      // A template's end of text at the very end is the [SEP] that is there anyway.
      expect(encodeSequence(tokenizer, inTemplate(text) + END_MARK, 40).ids).to.deep.equal(input_ids)
    }
    for (const { first, second, input_ids, token_type_ids } of expected.pairs) {
      const { ids } = encodeSequence(tokenizer, first + END_MARK + second, 40)
      expect(ids, first).to.deep.equal(input_ids)
      expect(await typesOf(ids)).to.deep.equal(token_type_ids)
    }
  })

  it('ends a text that is cut in [SEP], and counts what was cut', () => {
    for (const [i, { text, input_ids }] of expected.cut.entries()) {
      const labelled = encodeLabelled(tokenizer, inTemplate(text), 1, 8)
      if (!labelled.example) throw new Error(text)
      expect([...labelled.example.input_ids], text).to.deep.equal(input_ids)
      expect([...labelled.example.labels]).to.deep.equal([1])
      expect(labelled.cut).to.equal(expected.texts[i]!.input_ids.length - input_ids.length)
    }
  })

  it('has a prompt and its answers as two parts, with loss on the answer and its end', () => {
    for (const { first, second, input_ids, token_type_ids } of expected.pairs) {
      const pair = { prompt: [first], chosen: `${second}${END_MARK}`, rejected: 'when', margin: 0 }
      const { example, rejected } = encodePair(tokenizer, pair, { maxLength: 40 }, 'here') as Required<
        ReturnType<typeof encodePair> & { example: object }
      >
      expect([...example.input_ids]).to.deep.equal(input_ids)
      expect([...example.labels]).to.deep.equal(
        input_ids.map((id, t) => (token_type_ids[t] === 1 ? id : NO_LOSS)),
      )
      const when = tokenizer.encode('when')
      expect([...rejected.example.input_ids].slice(-when.length - 1)).to.deep.equal([...when, SEPARATOR])

      const cut = encodePair(tokenizer, pair, { maxLength: input_ids.length - 1 }, 'here')
      expect([...cut.example!.input_ids]).to.deep.equal([...input_ids.slice(0, -2), SEPARATOR])
      expect(cut.example!.labels.at(-1)).to.equal(SEPARATOR)
    }
  })

  it('joins a prompt of several stretches', () => {
    if (!isBertTokenizer(tokenizer)) throw new Error('no BERT tokenizer')
    const pair = { prompt: ['a cat ', 'walks'], chosen: 'no', rejected: 'it was', margin: 0 }
    const encoded = encodePair(tokenizer, pair, { maxLength: 40 }, 'here')
    expect([...encoded.example!.input_ids]).to.deep.equal(bertSequence(tokenizer, `a cat walks${END_MARK}no`))
  })

  it('needs a WordPiece tokenizer of the model', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(folder)
      const other = await loadTokenizer(folder)
      const config = await readModelConfig(bertFixture('model'))
      if (config.model_type !== 'bert') throw new Error('no BERT')
      expect(await userError(async () => checkTokenizer(other, config, 'm'))).to.match(/^m: .* no WordPiece/)
      checkTokenizer(other, tinyConfig, 'm')
      checkTokenizer(tokenizer, config, 'm')
    })
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { encodeStretches } from '../../src/data/examples/encode_stretches.ts'
import { WHOLE_MARK } from '../../src/data/templates/end_of_text.ts'
import { createTokenizer } from '../../src/text/create_tokenizer.ts'
import { createDetokenizer, decodeAfter } from '../../src/text/detokenizer.ts'

interface Family {
  readonly tokenizer: object
  readonly start: string
  readonly end: string
  /** What the post-processor puts before a text. */
  readonly first: readonly number[]
  readonly ids: readonly (readonly number[])[]
  readonly decoded: readonly string[]
}

const { texts, families } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/llama_tokenizers.json'), 'utf8'),
) as { texts: string[]; families: Record<string, Family> }

for (const [name, { tokenizer: json, start, end, first, ids, decoded }] of Object.entries(families)) {
  describe(`a tokenizer of the structure ${name}`, () => {
    const tokenizer = createTokenizer(json, { eos_token: end }, name)
    const written = texts.map((text) => text.replaceAll('<START>', start).replaceAll('<END>', end))

    it('gives the ids of Hugging Face’s tokenizers', () => {
      expect(written.map((text) => tokenizer.encode(text))).to.deep.equal(ids)
    })

    it('gives their texts, also token by token', () => {
      expect(ids.map((one) => tokenizer.decode(one))).to.deep.equal(decoded)
      const streamed = ids.map((one) => {
        const detokenizer = createDetokenizer(tokenizer)
        return one.map((id) => detokenizer.push(id)).join('') + detokenizer.flush()
      })
      expect(streamed).to.deep.equal(decoded)
    })

    it('begins a text once with the token that it begins texts with', () => {
      const [begun] = encodeStretches(tokenizer, ['is it?'])
      expect(begun).to.deep.equal([...first, ...tokenizer.encode('is it?')])
      const bos = first.map((id) => tokenizer.decode([id])).join('')
      const marked = bos === '' ? '' : `\uFDD1${bos}`
      expect(encodeStretches(tokenizer, [`${marked}is it?`]).flat()).to.deep.equal(
        tokenizer.encode(`${bos}is it?`),
      )
      expect(encodeStretches(tokenizer, [`${WHOLE_MARK}is it?`]).flat()).to.deep.equal(
        begun!.slice(first.length),
      )
    })

    it('goes on within a text as the whole text does', () => {
      const stretches = ['The lantern', ' is a light', '\n', ' they say']
      const apart = encodeStretches(tokenizer, stretches).flat()
      expect(apart).to.deep.equal([...first, ...tokenizer.encode(stretches.join(''))])
      const [prompt, ...rest] = encodeStretches(tokenizer, stretches)
      expect(decodeAfter(tokenizer, prompt!, rest.flat())).to.equal(stretches.slice(1).join(''))
      expect(tokenizer.encodePlain(`a${end}b`)).to.not.include(tokenizer.eosId)
    })
  })
}

describe('a tokenizer with byte fallback', () => {
  const { tokenizer: json, end } = families['gemma']!
  const tokenizer = createTokenizer(json, { eos_token: end }, 'gemma')
  const byte = (value: number) =>
    (json as { model: { vocab: Record<string, number> } }).model.vocab[
      `<0x${value.toString(16).toUpperCase().padStart(2, '0')}>`
    ]!

  it('writes bytes in a row that are no UTF-8 as one U+FFFD each', () => {
    expect(tokenizer.decode([0x41, 0xe2, 0x82].map(byte))).to.equal('\uFFFD\uFFFD\uFFFD')
    expect(tokenizer.decode([0xef, 0xbb, 0xbf, 0x41].map(byte))).to.equal('\uFEFFA')
  })

  it('begins texts as tokenizer_config.json says, where it says so', () => {
    const begins = (config: object) => createTokenizer(json, { eos_token: end, ...config }, 'gemma').bosIds
    expect(begins({ add_bos_token: false, bos_token: '<bos>' })).to.deep.equal([])
    expect(begins({ add_bos_token: true, bos_token: '<pad>' })).to.deep.equal([0])
  })
})

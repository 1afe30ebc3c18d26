import { expect } from 'chai'
import fc from 'fast-check'

import {
  NO_LOSS,
  countLabelled,
  encodeExample,
  encodeLabelled,
  encodePair,
  encodePrompt,
  encodeSequence,
  promptLength,
} from '../../src/data/examples/encode.ts'
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import { END_MARK, markTemplate } from '../../src/data/templates/end_of_text.ts'
import type { Segment } from '../../src/data/templates/template.ts'
import { byteTokenizer, userError } from './helpers.ts'

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]
const given = (text: string): Segment => ({ text, learned: false })
const learned = (text: string): Segment => ({ text, learned: true })

function encodeSegments(segments: readonly Segment[], maxLength: number, overlong?: 'error' | 'skip') {
  return encodeExample(byteTokenizer, segments, { maxLength, ...(overlong && { overlong }) }, 'd.csv, row 3')
}
const encode = (prompt: string, completion: string, maxLength: number, overlong?: 'error' | 'skip') =>
  encodeSegments([given(prompt), learned(completion)], maxLength, overlong)

/** The encoded example; fails where there is none. */
function exampleOf(encoded: ReturnType<typeof encode>) {
  if (!encoded.example) throw new Error(`left out: ${encoded.leftOut}`)
  return {
    ...encoded,
    ids: Array.from(encoded.example.input_ids),
    labels: Array.from(encoded.example.labels),
  }
}

describe('data/encode', () => {
  it('puts loss on the completion and its end of text only', () => {
    const { example, ids, labels, cut } = exampleOf(encode('ab', `cd${END_MARK}`, 10))
    expect(ids).to.deep.equal([...bytes('abcd'), 256])
    expect(labels).to.deep.equal([-100, -100, ...bytes('cd'), 256])
    expect(countLabelled(example)).to.equal(3)
    expect(cut).to.equal(0)
  })

  it('puts loss on all of a plain text, of which the first token is never predicted', () => {
    const { example, labels } = exampleOf(encodeSegments([learned(`abc${END_MARK}`)], 10))
    expect(labels).to.deep.equal([...bytes('abc'), 256])
    expect(countLabelled(example)).to.equal(3)
  })

  it('cuts what is too long at its end', () => {
    const { ids, cut } = exampleOf(encode('ab', `cdef${END_MARK}`, 4))
    expect(ids).to.deep.equal(bytes('abcd'))
    expect(cut).to.equal(3)
    expect(exampleOf(encode('ab', 'cd', 4)).cut).to.equal(0)
    const turns = [given('ab'), learned('cd'), given('ef'), learned('gh')]
    expect(exampleOf(encodeSegments(turns, 5)).labels).to.deep.equal([-100, -100, ...bytes('cd'), -100])
  })

  it('refuses or leaves out a prompt that leaves no room', async () => {
    expect(await userError(() => encode('abcd', 'e', 4))).to.match(
      /d\.csv, row 3: the prompt has 4 tokens and leaves no room for a completion in 4; shorten it, raise max_length, .* overlong=skip/,
    )
    expect(encode('abcd', 'e', 4, 'skip')).to.deep.equal({ leftOut: 'overlong' })
    expect(exampleOf(encode('abc', 'e', 4)).ids).to.deep.equal(bytes('abce'))
    expect(await userError(() => encodeSegments([given('abc'), given('d'), learned('e')], 4))).to.match(
      /4 tokens/,
    )
  })

  it('leaves out what teaches nothing, and what teaches to say nothing', () => {
    for (const completion of ['', ' ', `\n${END_MARK}`, `${END_MARK} ${END_MARK}`]) {
      expect(encode('abc', completion, 10), JSON.stringify(completion)).to.deep.equal({ leftOut: 'empty' })
    }
    // Not even an error, however long the prompt.
    expect(encode('abcdefgh', END_MARK, 4)).to.deep.equal({ leftOut: 'empty' })
    expect(encode('', 'a', 4)).to.deep.equal({ leftOut: 'empty' })
    const turns = [given('a'), learned('b'), given('c'), learned(END_MARK)]
    expect(encodeSegments(turns, 10)).to.deep.equal({ leftOut: 'empty' })
  })

  it('labels exactly the tokens of learned segments, whose ids together read as the text (property)', () => {
    const segment = fc.record({ text: fc.string({ unit: 'grapheme' }), learned: fc.boolean() })
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
        const encoded = encodeSegments(segments, 1e4)
        if (!encoded.example) return
        const { input_ids, labels } = encoded.example
        const text = segments.map((each) => each.text).join('')
        expect(new TextDecoder().decode(Uint8Array.from(input_ids))).to.equal(text)
        const wanted = segments.flatMap((each) => bytes(each.text).map((id) => (each.learned ? id : NO_LOSS)))
        expect(Array.from(labels)).to.deep.equal(wanted)
      }),
    )
  })

  it('gives a text the index of its class as its only label, and cuts the longest part first', () => {
    const { ids, labels, cut } = exampleOf(encodeLabelled(byteTokenizer, `ab${END_MARK}cd`, 3, 4))
    expect(ids).to.deep.equal([...bytes('a'), 256, ...bytes('cd')])
    expect(labels).to.deep.equal([3])
    expect(cut).to.equal(1)
  })

  it('keeps something of every part of a text that is cut, and its ends', () => {
    const cut = (text: string, most: number) =>
      new TextDecoder().decode(
        Uint8Array.from(encodeSequence(byteTokenizer, text, most).ids, (id) => (id === 256 ? 0x2e : id)),
      )
    const three = ['abcdefgh', 'ij', 'klmno'].join(END_MARK)
    expect(cut(three, 17)).to.equal('abcdefgh.ij.klmno')
    expect(cut(three, 12)).to.equal('abcd.ij.klmn')
    expect(cut(three, 11)).to.equal('abcd.ij.klm')
    expect(cut(`abcdefgh${END_MARK}`, 4)).to.equal('abc.')
    expect(cut('abcdefgh', 4)).to.equal('abcd')
    expect(cut(three, 2)).to.equal('ab')
  })

  it('takes control tokens of a template for themselves, and those of the data for text', () => {
    const tokenizer = {
      ...byteTokenizer,
      special: new Map([
        ['<s>', 300],
        ['<s>2', 301],
      ]),
    }
    const encoded = encodeText(tokenizer, `${markTemplate('<s><x>')}<s>${markTemplate('<s>2')}`)
    expect(encoded).to.deep.equal([300, ...bytes('<x><s>'), 301])
  })

  describe('of a pair', () => {
    const pair = (chosen: string, rejected: string, maxLength = 10, overlong?: 'skip') =>
      encodePair(
        byteTokenizer,
        { prompt: ['a', 'b'], chosen, rejected, margin: 0.5 },
        { maxLength, ...(overlong && { overlong }) },
        'd.csv, row 3',
      )

    it('gives two rows of one prompt, with loss on the answers and their end of text', () => {
      const encoded = pair(`c${END_MARK}`, `de${END_MARK}`)
      const { ids, labels } = exampleOf(encoded)
      expect(ids).to.deep.equal([...bytes('abc'), 256])
      expect(labels).to.deep.equal([NO_LOSS, NO_LOSS, ...bytes('c'), 256])
      const other = exampleOf('rejected' in encoded ? encoded.rejected! : encoded)
      expect(other.ids).to.deep.equal([...bytes('abde'), 256])
      expect(other.labels).to.deep.equal([NO_LOSS, NO_LOSS, ...bytes('de'), 256])
      expect([other, exampleOf(encoded)].map(({ example }) => example.margin)).to.deep.equal([0.5, 0.5])
      expect(promptLength(other.example)).to.equal(2)
    })

    it('is left out whole where an answer is blank, or both are the same', () => {
      for (const blank of ['', ' ', `\n${END_MARK}`]) {
        expect(pair(`c${END_MARK}`, blank)).to.deep.equal({ leftOut: 'empty' })
        expect(pair(blank, `c${END_MARK}`)).to.deep.equal({ leftOut: 'empty' })
      }
      expect(pair('c', 'c')).to.deep.equal({ leftOut: 'tie' })
      expect(pair('c', `c${END_MARK}`)).to.not.have.property('leftOut')
    })

    it('has its answers cut, and is left out where that makes them the same', () => {
      const encoded = pair('cdefg', 'xyz', 4)
      expect(exampleOf(encoded)).to.deep.include({ ids: bytes('abcd'), cut: 3 })
      expect(encoded).to.have.nested.property('rejected.cut', 1)
      expect(pair('cdefg', 'cdxyz', 4)).to.deep.equal({ leftOut: 'tie' })
    })

    it('is an error or left out where the prompt leaves no room', async () => {
      expect(await userError(() => pair('c', 'd', 2))).to.match(
        /d\.csv, row 3: the prompt has 2 tokens and leaves no room/,
      )
      expect(pair('c', 'd', 2, 'skip')).to.deep.equal({ leftOut: 'overlong' })
    })
  })

  it('encodes a prompt alone, or with an answer to compare with', async () => {
    const encodeOne = (prompt: string, answer: string | undefined, maxLength = 6) =>
      encodePrompt(byteTokenizer, { prompt: [prompt], answer }, { maxLength }, 'row 1')
    for (const none of [undefined, '', END_MARK]) {
      const { ids, labels, example } = exampleOf(encodeOne('ab', none))
      expect(ids).to.deep.equal(bytes('ab'))
      expect(labels).to.deep.equal([NO_LOSS, NO_LOSS])
      expect(promptLength(example)).to.equal(2)
    }
    const { labels, cut } = exampleOf(encodeOne('ab', 'cdefg'))
    expect(labels).to.deep.equal([NO_LOSS, NO_LOSS, ...bytes('cdef')])
    expect(cut).to.equal(1)
    expect(encodeOne(' ', 'a')).to.deep.equal({ leftOut: 'empty' })
    expect(await userError(() => encodeOne('abcdef', undefined))).to.match(/the prompt has 6 tokens/)
  })

  it('takes an end of text from the template only: one in the data stays text (property)', () => {
    const piece = fc.constantFrom('<|endoftext|>', '<|endo', 'ftext|>', 'a', END_MARK)
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('')
        const ids = encodeText(byteTokenizer, text)
        expect(ids).to.deep.equal(
          text.split(END_MARK).flatMap((part, i) => [...(i > 0 ? [256] : []), ...bytes(part)]),
        )
      }),
    )
  })
})

import { expect } from 'chai'
import fc from 'fast-check'

import { countLabelled, encodeExample, encodeText } from '../../src/data/encode.ts'
import { END_MARK } from '../../src/data/template.ts'
import { byteTokenizer, userError } from './helpers.ts'

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]
const encode = (prompt: string, completion: string, maxLength: number, overlong?: 'error' | 'skip') =>
  encodeExample(byteTokenizer, { prompt, completion }, { maxLength, ...(overlong && { overlong }) }, 'd.csv, row 3')

describe('data/encode', () => {
  it('puts loss on the completion and its end of text only', () => {
    const { example, truncated } = encode('ab', `cd${END_MARK}`, 10)
    expect(Array.from(example!.input_ids)).to.deep.equal([...bytes('abcd'), 256])
    expect(Array.from(example!.labels)).to.deep.equal([-100, -100, ...bytes('cd'), 256])
    expect(countLabelled(example!)).to.equal(3)
    expect(truncated).to.equal(false)
  })

  it('puts loss on all of a plain text, of which the first token is never predicted', () => {
    const { example } = encode('', `abc${END_MARK}`, 10)
    expect(Array.from(example!.labels)).to.deep.equal([...bytes('abc'), 256])
    expect(countLabelled(example!)).to.equal(3)
  })

  it('cuts a long completion at its end', () => {
    const { example, truncated } = encode('ab', `cdef${END_MARK}`, 4)
    expect(Array.from(example!.input_ids)).to.deep.equal(bytes('abcd'))
    expect(truncated).to.equal(true)
    expect(encode('ab', 'cd', 4).truncated).to.equal(false)
  })

  it('refuses or skips a prompt that leaves no room, and skips what teaches nothing', async () => {
    expect(await userError(() => encode('abcd', 'e', 4))).to.match(
      /d\.csv, row 3: the prompt has 4 tokens and leaves no room for a completion in 4/,
    )
    expect(encode('abcd', 'e', 4, 'skip').example).to.equal(undefined)
    expect(encode('abc', 'e', 4).example).to.not.equal(undefined)
    expect(encode('abc', '', 4).example).to.equal(undefined)
    expect(encode('', 'a', 4).example).to.equal(undefined)
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

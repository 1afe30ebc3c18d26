import { expect } from 'chai'
import fc from 'fast-check'

import { encodeExample, encodeLabelled } from '../../src/data/examples/encode.ts'
import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import {
  CUT_CHARACTER,
  answerPieces,
  tokenPieces,
  tokenStretches,
} from '../../src/data/examples/token_pieces.ts'
import { createTokenizer } from '../../src/text/create_tokenizer.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'

describe('data/token_pieces', () => {
  let tokenizer: Tokenizer
  before(async () => {
    const files = await gpt2TokenizerFiles(300)
    tokenizer = createTokenizer(JSON.parse(files['tokenizer.json']!), {}, 'tokenizer.json')
  })

  const piecesOf = (prompt: string, completion: string, maxLength = 1e4) => {
    const segments = [
      { text: prompt, learned: false },
      { text: completion, learned: true },
    ]
    return tokenPieces(tokenizer, encodeExample(tokenizer, segments, { maxLength }, 'row 1').example!)
  }

  it('gives one piece a token, with its loss; the end of a text is told from text that looks like it', () => {
    const pieces = piecesOf('on the<|endoftext|>', ` in${END_MARK}`)
    const tokens =
      tokenizer.encode('on the').length +
      tokenizer.encode('<|endo').length +
      tokenizer.encode('ftext|>').length
    expect(pieces).to.have.length(tokens + 2)
    expect(pieces.slice(0, -2).every(({ learned, end }) => !learned && !end)).to.equal(true)
    expect(pieces.slice(-2)).to.deep.equal([
      { text: ' in', tokens: 1, learned: true, end: false },
      { text: '<|endoftext|>', tokens: 1, learned: true, end: true },
    ])
  })

  it('joins the tokens of a character that is spread over them', () => {
    const [, emoji] = tokenStretches(piecesOf('a', '😀'))
    expect(emoji).to.deep.equal({ text: '😀', tokens: tokenizer.encode('😀').length, learned: true })
    expect(emoji!.tokens).to.be.greaterThan(1)
    expect(piecesOf('a', '😀日')).to.have.length(3)
  })

  it('names what is left of a character that is cut, and never shows a broken one', () => {
    const whole = tokenizer.encode('x😀').length
    expect(tokenStretches(piecesOf('a', 'x😀', 1 + whole)).at(-1)!.text).to.equal('x😀')
    for (let cut = 1; cut < whole - 1; cut++) {
      const pieces = piecesOf('a', 'x😀', 1 + whole - cut)
      expect(pieces.map(({ text }) => text)).to.deep.equal(['a', 'x', CUT_CHARACTER])
      expect(pieces.reduce((sum, { tokens }) => sum + tokens, 0)).to.equal(1 + whole - cut)
    }
  })

  it('keeps a U+FFFD that stands in the text itself', () => {
    for (const text of ['\uFFFD', 'a\uFFFD', '\uFFFDb', '\uFFFD\uFFFD']) {
      const [, learned, ...others] = tokenStretches(piecesOf('a', text))
      expect(others).to.deep.equal([])
      expect(learned!.text).to.equal(text)
      expect(tokenStretches(piecesOf('a', text + END_MARK))[1]!.text).to.equal(`${text}<|endoftext|>`)
    }
  })

  it('shows the first token of a plain text without loss, and no token of a classified one with any', () => {
    const plain = [{ text: 'on the in', learned: true }]
    const { example } = encodeExample(tokenizer, plain, { maxLength: 100 }, 'row 1')
    const pieces = tokenPieces(tokenizer, example!)
    expect(pieces.map(({ learned }) => learned)).to.deep.equal([false, ...pieces.slice(1).map(() => true)])
    const labelled = encodeLabelled(tokenizer, 'on the in', 1, 100).example!
    expect(tokenPieces(tokenizer, labelled).some(({ learned }) => learned)).to.equal(false)
  })

  it('shows the whole text and every token, whatever it is (property)', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value.trim() !== '')
    fc.assert(
      fc.property(text, text, (prompt, completion) => {
        const stretches = tokenStretches(piecesOf(prompt, completion))
        expect(stretches.map((stretch) => stretch.text)).to.deep.equal([prompt, completion])
        expect(stretches.map(({ tokens }) => tokens)).to.deep.equal(
          [prompt, completion].map((part) => tokenizer.encode(part).length),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('takes the pieces after a prompt', () => {
    const piece = (text: string, tokens: number) => ({ text, tokens, learned: false, end: false })
    const pieces = [piece('a', 1), piece('é', 2), piece('b', 1)]
    const texts = (tokens: number) => answerPieces(pieces, tokens).map(({ text }) => text)
    expect([0, 1, 3, 4].map(texts)).to.deep.equal([['a', 'é', 'b'], ['é', 'b'], ['b'], []])
  })
})

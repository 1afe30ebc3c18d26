import { stripVTControlCharacters } from 'node:util'

import { expect } from 'chai'
import fc from 'fast-check'

import type { TokenPiece } from '../../src/data/examples/token_pieces.ts'
import { exampleView, tokenLegend, tokenView } from '../../src/report/token_view.ts'
import { columnsOf, visible } from '../../src/visible_text.ts'

const plain = { color: false, width: 80 }
const colored = { color: true, width: 80 }

const piece = (text: string, learned = false): TokenPiece => ({ text, tokens: 1, learned, end: false })
const end: TokenPiece = { text: '<|endoftext|>', tokens: 1, learned: true, end: true }
const words = (count: number, learned: boolean) =>
  Array.from({ length: count }, (_, i) => piece(` w${i}`, learned))

/** The renditions of a coloured view, in order: each with its text. */
const renditions = (text: string): [style: string, text: string][] =>
  // eslint-disable-next-line no-control-regex -- the escape of a colour is one
  [...text.matchAll(/\x1b\[([\d;]+)m([^\x1b]*)\x1b\[0m/g)].map(([, style, shown]) => [style!, shown!])

describe('report/token_view', () => {
  const answer = [piece('Q:'), piece(' why'), piece(' be', true), piece('cause', true), end]

  it('brackets what carries loss where there are no colours', () => {
    expect(tokenView(answer, plain)).to.equal('  Q: why⟦ because<|endoftext|>⟧\n')
    const turns = [piece('a'), piece('b', true), piece('c'), piece('d', true)]
    expect(tokenView(turns, plain)).to.equal('  a⟦b⟧c⟦d⟧\n')
    expect(tokenView([], plain)).to.equal('')
    expect(tokenLegend(plain)).to.equal('⟦ … ⟧ carries loss, ↵ is a line break\n')
  })

  it('paints what carries loss green and the rest dim, neighbours apart, and no brackets', () => {
    const view = tokenView(answer, colored)
    expect(stripVTControlCharacters(view)).to.equal('  Q: why because<|endoftext|>\n')
    expect(renditions(view)).to.deep.equal([
      ['2', 'Q:'],
      ['2;4', ' why'],
      ['30;42', ' be'],
      ['30;102', 'cause'],
      ['1;4;30;42', '<|endoftext|>'],
    ])
    expect(stripVTControlCharacters(tokenLegend(colored))).to.equal('green carries loss, ↵ is a line break\n')
  })

  it('shows line breaks as signs, each ending a line', () => {
    const lines = [piece('a'), piece('\n\n'), piece('b\n', true), piece('c\td', true)]
    expect(tokenView(lines, plain)).to.equal('  a↵↵\n  ⟦b↵\n  c→d⟧\n')
    expect(stripVTControlCharacters(tokenView(lines, colored))).to.equal('  a↵↵\n  b↵\n  c→d\n')
  })

  it('wraps at words, and cuts a word that is wider than a line', () => {
    expect(tokenView([...words(9, false), piece('tail')], { color: false, width: 22 })).to.equal(
      '   w0 w1 w2 w3 w4 w5\n   w6 w7 w8tail\n',
    )
    const cut = tokenView([piece('x'.repeat(45))], { color: false, width: 22 })
    expect(cut).to.equal(`  ${'x'.repeat(20)}\n  ${'x'.repeat(20)}\n  xxxxx\n`)
  })

  it('leaves out the middle of a long stretch, and says how many tokens', () => {
    const view = tokenView([...words(96, false), ...words(97, true)], { color: false, width: 10_000 })
    expect(view).to.include(' w94 w95⟦ w0 ').and.include(' w31 … 33 tokens …  w65').and.include(' w96⟧')
  })

  it('leaves out the middle ones of many turns', () => {
    const turns = Array.from({ length: 20 }, (_, i) => piece(` t${i}`, i % 2 === 1))
    expect(tokenView(turns, { color: false, width: 10_000 })).to.equal(
      '   t0⟦ t1⟧ t2⟦ t3⟧ t4 … 10 tokens … ⟦ t15⟧ t16⟦ t17⟧ t18⟦ t19⟧\n',
    )
    expect(tokenView(turns.slice(0, 12), plain))
      .to.include(' t5')
      .and.not.include('…')
  })

  it('heads an example with its tokens, and its loss or class', () => {
    expect(exampleView({ pieces: answer }, 2, plain)).to.equal(
      'example 2: 5 tokens, 3 with loss\n  Q: why⟦ because<|endoftext|>⟧\n',
    )
    expect(exampleView({ pieces: [piece('a')], label: 'jo\ny' }, 1, plain)).to.equal(
      'example 1: 1 tokens, class jo↵y\n  a\n',
    )
  })

  it('shows both answers of a pair', () => {
    const pair = { pieces: answer, rejected: [piece(' no', true), end], margin: 0 }
    expect(exampleView(pair, 2, plain)).to.equal(
      'pair 2: prompt 2 tokens, chosen 3, rejected 2\n  Q: why⟦ because<|endoftext|>⟧\nrejected:\n  ⟦ no<|endoftext|>⟧\n',
    )
    expect(exampleView({ ...pair, margin: Math.fround(0.9) }, 1, plain)).to.match(
      /^pair 1: .*, rejected 2, margin 0\.9\n/,
    )
  })

  it('lets no character through that moves the cursor or turns the text', () => {
    expect(visible('\x1b[31m\r\x07\x7f\u202E\u2028')).to.equal('␛[31m␍␇‹U+007F›‹U+202E›‹U+2028›')
    expect(visible('\uD800')).to.equal('‹U+D800›')
    expect(visible('né 👩‍👩‍👧 می‌خواهم')).to.equal('né 👩‍👩‍👧 می‌خواهم')
  })

  it('keeps within the width, and shows every character once (property)', () => {
    const texts = fc.array(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.boolean()), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(texts, fc.integer({ min: 22, max: 60 }), (content, width) => {
        const pieces = content.map(([text, learned]) => piece(text, learned))
        const view = stripVTControlCharacters(tokenView(pieces, { color: true, width }))
        const lines = view.split('\n').slice(0, -1)
        for (const line of lines) expect(columnsOf(line)).to.be.at.most(width)
        const shown = lines.map((line) => line.slice(2)).join('')
        expect(shown).to.equal(pieces.map(({ text }) => visible(text)).join(''))
      }),
    )
  })

  it('counts columns: two for wide characters, none for marks', () => {
    expect(columnsOf('abc')).to.equal(3)
    expect(columnsOf('日本')).to.equal(4)
    expect(columnsOf('e\u0301')).to.equal(1)
    expect(columnsOf('😀!')).to.equal(3)
  })
})

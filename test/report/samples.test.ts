import { expect } from 'chai'

import type { SampleText, SampleTexts } from '../../src/evaluation/sample_texts.ts'
import { samplesPicture } from '../../src/report/samples_picture.ts'
import { besideEachOther, samplesReport } from '../../src/report/samples_report.ts'
import { columnsOf } from '../../src/visible_text.ts'

const text = (more: Partial<SampleText> = {}): SampleText => ({
  ...{
    concept: null,
    prompt: 'Word: lamp ;',
    generated: 'a light',
    finished: true,
    references: ['gives light'],
  },
  ...{ split: 'validation', length: 3, cosine: 0.25, entropy: 2.5, bleu: 0.5, meteor: 0.75, ...more },
})

const samples = (texts: readonly SampleText[], more: Partial<SampleTexts> = {}): SampleTexts => ({
  ...{ run: 'runs/a', checkpoint: 'best', from: 'validation', max_new_tokens: 9, texts },
  means: { length: 3.25, cosine: 0.2, entropy: 2.4, bleu: 0.4, meteor: null },
  ...more,
})

const hard = [
  text(),
  text({
    concept: 'x',
    split: 'train',
    generated: 'a <b> & "c" \u0007\u202e\u2028 世界 🎉 \uD800 \uFFFE '.repeat(20),
  }),
  text({ generated: '', length: 1, cosine: -0.5, references: ['a', 'b', 'c', 'd', 'e'] }),
  text({ prompt: `one\n\ttwo ${'x'.repeat(500)}`, split: null, references: [], bleu: null, meteor: null }),
]

/** Throws where a document is no well-formed XML 1.0; returns its elements' names. */
function readXml(xml: string): string[] {
  expect(xml).not.to.match(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u)
  const [open, names]: [string[], string[]] = [[], []]
  const rest = xml.replaceAll(
    /<(\/?)([a-z]+)((?: [a-z:A-Z-]+="(?:[^<>&"]|&(?:amp|lt|gt|quot);)*")*)(\/?)>/g,
    (_, closes: string, name: string, attributes: string, empty: string) => {
      const keys = [...attributes.matchAll(/ ([a-z:A-Z-]+)="/g)].map(([, key]) => key)
      expect(new Set(keys).size, attributes).to.equal(keys.length)
      if (closes) expect(open.pop()).to.equal(name)
      else names.push(name)
      if (!closes && !empty) open.push(name)
      return ''
    },
  )
  expect(open).to.deep.equal([])
  expect(rest.replaceAll(/&(amp|lt|gt|quot);/g, '')).not.to.match(/[<>&]/)
  return names
}

const numbers = (svg: string, name: string) =>
  [...svg.matchAll(new RegExp(`<rect[^>]* ${name}="([^"]*)"`, 'g'))].map(([, value]) => Number(value))

describe('sample texts for the terminal', () => {
  for (const width of [80, 120])
    it(`keep to ${width} columns, with all figures`, () => {
      const report = samplesReport([samples(hard)], width)
      for (const line of report.split('\n')) expect(columnsOf(line), line).to.be.at.most(width)
      expect(report).to.include('tokens 3  cosine 0.250  entropy 2.50  BLEU 0.500  METEOR 0.750')
      expect(report).to.include('BLEU –  METEOR –\n      (not in the data, so without a reference)')
      expect(report).to.include('text  (nothing)').and.to.include('… and 2 more')
      expect(report).to.match(/^mean of 4 texts, 3 with references +tokens +cosine +entropy +BLEU +METEOR$/m)
      expect(report).to.match(/^runs\/a \(best\) +3\.3 +0\.200 +2\.40 +0\.400 +–$/m)
      for (const sign of ['\u0007', '\u202e']) expect(report).not.to.include(sign)
    })

  it('stand beside those of another model that had the same prompts', () => {
    const base = samples([text({ generated: 'nothing much' })], { checkpoint: 'base' })
    const best = samples([text()])
    expect(besideEachOther([base, best])).to.deep.equal([[base, best]])
    const report = samplesReport([base, best], 100)
    expect(report).to.match(
      /— runs\/a \(base\)\ntext {2}nothing much\n.*\n {6}— runs\/a \(best\)\ntext {2}a light/,
    )
    const other = samples([text({ prompt: 'else' })])
    expect(besideEachOther([base, other])).to.deep.equal([[base], [other]])
  })
})

describe('sample texts as a picture', () => {
  it('are sound XML, whatever the texts', () => {
    for (const models of [
      [samples(hard)],
      [samples(hard, { checkpoint: 'base', run: 'a <&"> b' }), samples(hard)],
      [samples([text()])],
      [samples(Array.from({ length: 50 }, (_, i) => hard[i % 4]!))],
    ]) {
      const svg = samplesPicture(models)
      expect(readXml(svg).slice(0, 3)).to.deep.equal(['svg', 'title', 'rect'])
      const [width, height] = [1100, Number(/ height="([\d.]+)"/.exec(svg)![1])]
      for (const [, x, y] of svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"/g)) {
        expect(Number(x)).to.be.within(0, width)
        expect(Number(y)).to.be.within(0, height)
      }
    }
    expect(() => readXml('<svg><a></svg>')).to.throw()
    expect(() => readXml('<svg>&</svg>')).to.throw()
  })

  it('have a bar for each figure, as long as it is large, from 0', () => {
    const svg = samplesPicture([
      samples([text(), text({ cosine: -0.5, length: 6, references: [], bleu: null, meteor: null })]),
    ])
    const bars = [
      ...svg.matchAll(/<rect y="[\d.]+" height="5" x="([\d.]+)" width="([\d.]+)" fill="#0072b2"/g),
    ]
    const widths = bars.map(([, , width]) => Number(width))
    // Tokens 3 of 6, cosine 0.25 and −0.5 of −0.5 … 1, entropy 2.5 of 2.5, BLEU and METEOR of 1; two of the second have no bar.
    const [bar, third] = [62, 62 / 1.5]
    const expected = [bar / 2, third / 4, bar, bar / 2, bar * 0.75, bar, third / 2, bar]
    for (const [i, width] of expected.entries()) expect(widths[i], `bar ${i}`).to.be.closeTo(width, 0.01)
    expect(widths).to.have.length(8 + 4)
    const [, positive] = bars
    const negative = bars[6]!
    expect(Number(negative[1]) + Number(negative[2])).to.be.closeTo(Number(positive![1]), 0.02)
    expect(numbers(svg, 'width').every((width) => width >= 0)).to.equal(true)
  })

  it('wrap long texts, and leave out what is too much', () => {
    const svg = samplesPicture([samples([text({ generated: 'word '.repeat(1000) })])])
    const shown = [...svg.matchAll(/>(word[^<]*)</g)].map(([, line]) => line!)
    expect(shown).to.have.length(16)
    expect(shown.at(-1)).to.match(/ …$/)
    for (const line of shown) expect(line.length).to.be.at.most(80)
  })
})

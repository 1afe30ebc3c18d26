import { expect } from 'chai'

import { textTable } from '../src/metrics/text_table.ts'
import { listNames, shortenSentence } from '../src/quote.ts'
import { visibleLines } from '../src/visible_text.ts'

describe('what is quoted out of files', () => {
  it('lists the first names, each cut, and counts the others', () => {
    expect(listNames(['a', 'b'])).to.equal('a, b')
    const names = Array.from({ length: 60 }, (_, i) => `c${i}`)
    expect(listNames(names)).to.match(/^c0, c1, .*, c19 and 40 more$/)
    expect(listNames(['x'.repeat(1e6), 'y'])).to.match(/^x{79}…, y$/)
  })

  it('leaves the middle of a long sentence out, and neither its beginning nor its advice', () => {
    const short = 'data.csv: a short sentence; correct the file'
    expect(shortenSentence(short)).to.equal(short)
    const long = shortenSentence(`data.csv: "${'x'.repeat(1e6)}" is wrong; correct the file`)
    expect(long)
      .to.have.length(600)
      .and.match(/^data\.csv: "x+…x+" is wrong; correct the file$/)
  })

  it('shows control characters of several lines, whose breaks stay', () => {
    expect(visibleLines('a\n\tb\x1b[2Jc\r\n')).to.equal('a\n\tb␛[2Jc␍\n')
  })

  it('aligns tables by columns of the terminal, on one line each', () => {
    expect(
      textTable([
        ['', 'n'],
        ['日本\x1b', '1'],
        ['a\nb', '10'],
      ]),
    ).to.equal('        n\n日本␛   1\na↵b    10\n')
  })
})

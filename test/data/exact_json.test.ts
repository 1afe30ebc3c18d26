import { expect } from 'chai'

import { parseExactJson } from '../../src/data/sources/exact_json.ts'

/** What parsing ends in, and after how many seconds. */
function ending(text: string): { value: unknown; seconds: number } {
  const before = performance.now()
  let value: unknown
  try {
    value = parseExactJson(text)
  } catch (error) {
    value = error
  }
  return { value, seconds: (performance.now() - before) / 1000 }
}

// A number of 16 digits wants the second look that is at stake here.
const NUMBER = '9007199254740993'

const broken: readonly [what: string, text: string][] = [
  ['a string that is never closed', `{"n":${NUMBER},"a":"${'x'.repeat(200_000)}`],
  ['one of escapes', `{"n":${NUMBER},"a":"${'\\"'.repeat(100_000)}`],
  ['one of backslashes', `{"n":${NUMBER},"a":"${'\\'.repeat(200_001)}`],
  ['quotes alone', `${NUMBER}${'"'.repeat(200_001)}`],
  ['digits alone', `[${NUMBER}${'1'.repeat(200_000)}x]`],
  ['signs and exponents', `[${NUMBER}${'e-'.repeat(100_000)}]`],
  ['brackets', '['.repeat(200_000)],
]

describe('data/exact_json', () => {
  it('keeps every digit of numbers, wherever strings end', () => {
    expect(parseExactJson(`{"${NUMBER}":[${NUMBER},"\\\\",-${NUMBER},"\\"${NUMBER}"]}`)).to.deep.equal({
      [NUMBER]: [NUMBER, '\\', `-${NUMBER}`, `"${NUMBER}`],
    })
  })

  for (const [what, text] of broken)
    it(`refuses ${what} within a second`, () => {
      const { value, seconds } = ending(text)
      expect(value).to.be.instanceOf(SyntaxError)
      expect(seconds).to.be.lessThan(1)
    })

  it('reads millions of escapes', () => {
    const { value, seconds } = ending(`{"n":${NUMBER},"a":"${'\\"\\\\'.repeat(1e6)}"}`)
    expect(value).to.deep.equal({ n: NUMBER, a: '"\\'.repeat(1e6) })
    expect(seconds).to.be.lessThan(2)
  })
})

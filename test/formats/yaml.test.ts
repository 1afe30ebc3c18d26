import { expect } from 'chai'

import { parseYaml } from '../../src/formats/yaml.ts'
import { userError } from '../data/helpers.ts'

/** Text that is made to exhaust its reader, or that a careless eye takes for something else, and what is said of it. */
const refused: readonly [what: string, text: string, says: RegExp][] = [
  ['brackets', `a: ${'['.repeat(50_000)}`, /nests deeper than any option does/],
  ['closed brackets', `a: ${'['.repeat(200)}${']'.repeat(200)}`, /nests deeper than any option does/],
  ['braces', `a: ${'{a: '.repeat(10_000)}`, /nests deeper than any option does/],
  ['dashes', '- '.repeat(20_000), /nests deeper than any option does/],
  [
    'aliases of aliases',
    `a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c]\n`,
    /repeats too much by its aliases/,
  ],
  ['an alias within its own meaning', 'a: &a [*a]', /\*a stands for something that it is part of/],
  ['an alias of nothing', 'a: *b', /\*b is the name of nothing before it/],
  ['a key twice', 'a: 1\nb: { c: 1, c: 2 }', /the key "c" stands twice/],
  ['a key twice, once as a number', '1: a\n"1": b', /the key "1" stands twice/],
  ['a long text', `a: ${'x'.repeat(1e6)}`, /has 1000003 characters where a configuration may have 100000/],
  ['what is no YAML', 'a: [1, 2', /is not valid YAML: Flow sequence/],
]

describe('formats/yaml', () => {
  it('reads values, and names for what is written once', () => {
    expect(parseYaml('a: 1\nb: [x, {c: null}]', 'a.yaml')).to.deep.equal({ a: 1, b: ['x', { c: null }] })
    expect(parseYaml('a: &a {r: 8}\nb: *a', 'a.yaml')).to.deep.equal({ a: { r: 8 }, b: { r: 8 } })
  })

  for (const [what, text, says] of refused)
    it(`refuses ${what} in a sentence, soon`, async () => {
      const before = performance.now()
      expect(await userError(() => parseYaml(text, 'a.yaml'))).to.match(says)
      expect(performance.now() - before).to.be.lessThan(5000)
    })

  it('takes no time to compare ten thousand keys', () => {
    const before = performance.now()
    const text = Array.from({ length: 10_000 }, (_, i) => `${i}: 1\n`).join('')
    expect(Object.keys(parseYaml(text, 'a.yaml') as object)).to.have.length(10_000)
    expect(performance.now() - before).to.be.lessThan(5000)
  })
})

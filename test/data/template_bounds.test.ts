import { expect } from 'chai'

import { compileTemplate } from '../../src/data/templates/template.ts'
import { readTolerantly } from '../../src/data/examples/odd_rows.ts'
import { stripTags } from '../../src/data/templates/strip_tags.ts'
import type { Row } from '../../src/data/row.ts'
import { userError } from './helpers.ts'

const render = (text: string, row: Row = {}): string =>
  compileTemplate({ text }).render(row, 'row 1')[0]![0]!.text

const within = async (milliseconds: number, act: () => unknown): Promise<void> => {
  const before = performance.now()
  await act()
  expect(performance.now() - before).to.be.lessThan(milliseconds)
}

/** Assigns `x` a text of 2ⁿ characters. */
const doubled = (n: number) => `{% set x = "a" %}${'{% set x = x ~ x %}'.repeat(n)}`

describe('a template of somebody else’s', () => {
  const list = JSON.stringify(Array.from({ length: 100 }, (_, i) => i))
  const loops = (depth: number, body: string) =>
    `${`{% for i in ${list} %}`.repeat(depth)}${body}${'{% endfor %}'.repeat(depth)}`
  const endless: Readonly<Record<string, string>> = {
    'loops in loops': loops(6, ''),
    'loops in loops that write': loops(6, 'xxxxxxxx'),
    'loops around filters': `${doubled(19)}${loops(4, '{{ x | upper | lower | length }}')}`,
    'a text that doubles': doubled(60),
    'a text that doubles and is cut up': `${doubled(28)}{{ x | list | length }}`,
    'a text that doubles without a name': `${doubled(19)}{{ ${Array(400).fill('x').join(' ~ ')} | list | length }}`,
    'a replacement that multiplies': `${doubled(19)}{{ x | replace("a", x) | length }}`,
    indentation: '{{ "a" | indent(1000000000) }}',
    'an indentation of many lines': `${doubled(19)}{{ x | replace("a", "\n") | indent(1000, true) | length }}`,
    'a separator': `${doubled(19)}{{ x | list | join(x) | length }}`,
    'a list of a text': `${doubled(19)}{% set y = [${Array(500).fill('x').join(', ')}] %}{{ y | join | length }}`,
    'a replacement of nothing': `${doubled(19)}{{ x | replace("", x) | length }}`,
    'a replacement of a pattern': `${doubled(19)}{{ x | replace(r/a/g, x) | length }}`,
    'a replacement by what follows': `${doubled(16)}{{ x | replace(r/a/g, "日$'") | length }}`,
    'many texts': `${doubled(19)}${'{% set y = x | upper | list %}'.repeat(600)}`,
    'parts within parts': `{{ ${'('.repeat(15_000)}`,
    'many filters': `{{ "a" ${'| e'.repeat(6000)} }}`,
    'many sums': `{{ 1 ${'+1'.repeat(9000)} }}`,
    'tags within tags': '{% if a %}'.repeat(1900),
    'what begins and does not end': '{{'.repeat(9900),
    'tags that do not end': '{%'.repeat(9900),
    'a pattern that is none': `{{ r/${'('.repeat(19_000)}/ }}`,
    'no end': '{{'.repeat(500_000),
    'a range': '{% for i in range(1000000000) %}{% endfor %}',
  }
  for (const [what, text] of Object.entries(endless))
    it(`ends in a sentence, soon: ${what}`, () =>
      within(5000, async () =>
        expect(await userError(() => render(text)))
          .to.match(/^(row 1: )?the text template/)
          .and.have.length.lessThan(300),
      )).timeout(20_000)

  for (const [pattern, a] of [
    ['(a+)+$', `${'a'.repeat(50)}!`],
    ['^(\\w|\\d|a)*$', `${'a1'.repeat(40)}!`],
    ['\\s+$', `${' '.repeat(900_000)}!`],
    ['(?=(a+)+b)', 'a'.repeat(60)],
  ] as const)
    it(`ends in a sentence where a pattern backtracks for ever: ${pattern}`, () =>
      within(5000, async () =>
        expect(await userError(() => render(`{{ a | replace(r/${pattern}/g, "") }}`, { a }))).to.equal(
          'row 1: the text template fails (Error: it takes longer than two seconds); simplify its patterns and loops',
        ),
      )).timeout(20_000)

  it('is at fault itself where it takes too long, so that no row is left out for it', async () => {
    const template = compileTemplate({ text: '{{ a | replace(r/(a+)+$/g, "") }}' })
    const left: string[] = []
    const read = readTolerantly(
      (row, where) => template.render(row, where).length,
      'skip',
      ({ message }) => left.push(message),
    )
    expect(read({ b: 'x' }, 'row 1')).to.equal(1)
    expect(await userError(() => read({ a: `${'a'.repeat(50)}!` }, 'row 2'))).to.match(
      /^row 2: .*two seconds/,
    )
    expect(left).to.have.length(1)
  }).timeout(20_000)

  it('replaces by patterns as ever', () => {
    expect(
      render('{{ a | replace(r/\\s+/g, " ") }}{{ a | replace(r/(\\w) +(\\w)/, "$2$1") }}', { a: 'x   y' }),
    ).to.equal('x yyx')
  })

  it('is quick with filters on rows that a filter of nunjucks takes for ever on', () =>
    within(3000, () => {
      const many = (text: string) => text.repeat(300_000)
      expect(render('{{ a | trim }}', { a: `x${many(' ')}x` })).to.have.length(300_002)
      for (const a of [
        many('<a'),
        many('<!--').slice(0, 900_000),
        `x${many(' ')}x`,
        many('<!--a<').slice(0, 900_000),
      ])
        render('{{ a | striptags }}{{ a | striptags(true) }}', { a: a.slice(0, 450_000) })
    })).timeout(20_000)

  const run = 'a"&&Function`globalThis\\x2ereached\\x3d1```&&"'
  const escapes = [
    `{% if ${run} is defined %}{% endif %}`,
    `{% set ${run} = 1 %}`,
    `{% set ${run} = 1 %}{{ ${run} }}`,
    `{% if a is odd${run.slice(1)} %}{% endif %}`,
    `{% if a is odd${run.slice(1)}(1) %}{% endif %}`,
    `{% for ${run} in [1] %}x{% endfor %}`,
    `{% for x, ${run} in {b: 1} %}x{% endfor %}`,
    `{% asyncEach ${run} in [1] %}x{% endeach %}`,
    `{% set ${run} %}x{% endset %}`,
    `{{ a | indent(${run}=1) }}`,
    `{{ {${run}: 1} | dump }}`,
    `{{ a | default(${run}) }}`,
    '{% set a\\ = 1 %}',
    "{{ ''.constructor.constructor('return process')() }}",
    "{{ a.constructor.constructor('return process')() }}",
    "{% set c = a['constr' ~ 'uctor'] %}{{ c }}",
  ]
  for (const text of escapes)
    it(`reaches no JavaScript: ${text}`, async () => {
      const reached = globalThis as { reached?: unknown }
      try {
        render(text, { a: 3 })
      } catch (error) {
        expect((error as Error).name).to.equal('UserError')
      }
      expect(reached.reached).to.equal(undefined)
      delete reached.reached
      if (!/: 1\}|=1\)/.test(text))
        expect(await userError(() => render(text, { a: 3 }))).to.match(/^the text template/)
    })

  it('may use names of all languages', () => {
    expect(render('{{ größe }}{{ 単語 }}{{ _a1 }}', { größe: 1, 単語: 2, _a1: 3 })).to.equal('123')
  })
})

describe('tags', () => {
  it('are taken off as nunjucks takes them', () => {
    const cases: Readonly<Record<string, string>> = {
      '<p>a <b>b</b></p>  c': 'a b c',
      'a <!-- x > y --> b<br/>c': 'a bc',
      'a < b > c <3 <d': 'a < b > c <3 <d',
      '<!-- a --> x <!-- b': 'x <!-- b',
      '<!-- <a --> x <b>y': 'x y',
    }
    for (const [html, text] of Object.entries(cases)) expect(stripTags(html, false), html).to.equal(text)
    expect(stripTags(' <p>a\r\n\n\n\n  b  </p>', true)).to.equal('a\n\nb')
    expect(stripTags(null, false)).to.equal('')
  })
})

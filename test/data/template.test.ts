import { expect } from 'chai'

import { CONTROL_MARK, END_MARK } from '../../src/data/templates/end_of_text.ts'
import { compileTemplate } from '../../src/data/templates/template.ts'
import type { Row } from '../../src/data/row.ts'
import { userError } from './helpers.ts'

const renderText = (text: string, row: Row): string =>
  compileTemplate({ text }).render(row, 'row 1')[0]![0]!.text
const errorOf = (text: string, row: Row = {}): Promise<string> => userError(() => renderText(text, row))

describe('data/template', () => {
  it('renders prompt and completion, with marks for the end of text', () => {
    const template = compileTemplate({
      prompt: 'Word: {{word}} ; Definition:',
      completion: ' {{definition}}<|endoftext|>',
    })
    expect(template.promptVariables).to.deep.equal(['word'])
    expect(template.render({ word: 'a<b', definition: '"c" & d' }, 'row 1')).to.deep.equal([
      [
        { text: 'Word: a<b ; Definition:', learned: false },
        { text: ` "c" & d${END_MARK}`, learned: true },
      ],
    ])
    expect(template.renderPrompt({ word: 'x' }, 'row 1')).to.equal('Word: x ; Definition:')
  })

  it('has conditions, loops, filters, assignments and tests', () => {
    const row = { a: ' x ', tags: ['p', 'q'], who: { name: 'N' }, empty: '', n: 3 }
    expect(renderText('{% if empty %}no{% else %}{{ a | trim | upper }}{% endif %}', row)).to.equal('X')
    expect(renderText('{% for t in tags %}{{ loop.index }}{{ t }} {% endfor %}', row)).to.equal('1p 2q ')
    expect(renderText('{{ who.name }}{{ tags[1] }}{{ tags | join("+") }}{{ n + 1 }}', row)).to.equal('Nqp+q4')
    expect(renderText('{% set b = a | trim %}[{{ b }}]', row)).to.equal('[x]')
    expect(renderText('{% if extra is defined %}{{ extra }}{% endif %}.', row)).to.equal('.')
    expect(renderText('{{ "odd" if n is odd else "even" }}', row)).to.equal('odd')
    const { promptVariables } = compileTemplate({
      prompt: '{% set b = c %}{% for k, v in d %}{{k}}{{v}}{{b}}{% endfor %}{{ e is defined }}',
      completion: '{{ f }}',
    })
    expect(promptVariables).to.deep.equal(['c', 'd'])
  })

  it('has no prompt for a plain text', () => {
    const template = compileTemplate({ text: '{{ a }}<|endoftext|>' })
    expect(template.promptVariables).to.deep.equal([])
    expect(template.render({ a: 'x' }, 'row 1')).to.deep.equal([[{ text: `x${END_MARK}`, learned: true }]])
    expect(template.renderPrompt({}, 'row 1')).to.equal('')
  })

  it('gives an example for each template of a list whose required columns hold something', () => {
    const definition = { prompt: '{{ word }}:', completion: '{{ definition }}' }
    const example = {
      prompt: '{{ word }}, as in',
      completion: '{{ example }}',
      requires: ['word', 'example'],
    }
    const both = compileTemplate([definition, example])
    const textsOf = (row: Row) =>
      both.render(row, 'row 1').map((segments) => segments.map(({ text }) => text).join(''))
    const row = { word: 'w', definition: 'd' }
    expect(textsOf({ ...row, example: 'e' })).to.deep.equal(['w:d', 'w, as ine'])
    for (const empty of ['', ' \n', null]) expect(textsOf({ ...row, example: empty })).to.deep.equal(['w:d'])
    expect(textsOf(row)).to.deep.equal(['w:d'])
    expect(textsOf({ ...row, example: 0 })).to.deep.equal(['w:d', 'w, as in0'])
    expect(both.renderPrompt({ word: 'w' }, 'row 1')).to.equal('w:')
    const alone = compileTemplate({ ...definition, requires: ['definition'] })
    expect(alone.render({ word: 'w', definition: ' ' }, 'row 1')).to.deep.equal([])
  })

  it('treats columns that are named like members of an object as columns', async () => {
    expect(renderText('{{ constructor }}', { constructor: 'Ferrari' })).to.equal('Ferrari')
    expect(await errorOf('{{ constructor }}', { driver: 'x' })).to.match(
      /uses "constructor", which is no column; .*driver/,
    )
    expect(await errorOf('{{ range }}', { driver: 'x' })).to.match(/uses "range", which is no column/)
  })

  describe('columns whose names are no words', () => {
    const row = { 'Review Text': 'fine', 'Star-Rating': 5, toString: 'x', nothing: null, list: ['a'] }

    it('are looked up in the row', async () => {
      expect(renderText('{{ row["Review Text"] | upper }} {{ row["Star-Rating"] + 1 }}', row)).to.equal(
        'FINE 6',
      )
      expect(renderText(`{% if row["Review Text"] %}{{ row['toString'] }}{% endif %}`, row)).to.equal('x')
      expect(renderText('{{ row["a"] is defined }} {{ row["list"] is defined }}', row)).to.equal('false true')
      expect(
        compileTemplate({ prompt: '{{ a }}{{ row["b c"] }}', completion: '' }).promptVariables,
      ).to.deep.equal(['a', 'b c'])
      expect(await errorOf('{{ row["Review"] }}', row)).to.match(
        /uses "Review", which is no column; there are .*; write {{ row\["Review Text"\] }} for that column/,
      )
    })

    it('are named in the remedies of mistakes', async () => {
      expect(await errorOf('{{ Star-Rating }}', row)).to.match(
        /uses "Star".*; write {{ row\["Star-Rating"\] }}/,
      )
      expect(await errorOf('{{ Review Text }}', row)).to.match(
        /malformed: .*; .* written {{ row\["its name"\] }}/,
      )
      expect(await errorOf('{{ row["a b"] }}', { 'a b': [1, 2] })).to.match(
        /write .* {{ row\["a b"\] \| join/,
      )
      expect(await errorOf('{{ row }}', row)).to.match(/uses "row", which is no column/)
      expect(await errorOf('{{ row["__proto__"] }}', row)).to.match(/name that is not available/)
    })

    it('leave a column called row, and a name that the template binds, alone', async () => {
      expect(renderText('{{ row }}', { row: 'a line' })).to.equal('a line')
      expect(renderText('{{ row["x"] }}', { row: { x: 1 }, x: 2 })).to.equal('1')
      expect(renderText('{{ row.x }}', { row: { x: 1 } })).to.equal('1')
      expect(
        renderText('{% for row in rows %}{{ row.x }}{% endfor %}', { rows: [{ x: 1 }, { x: 2 }] }),
      ).to.equal('12')
    })
  })

  it('marks what may be a control token in its text, and nothing in its code', () => {
    expect(renderText('<s>{{ "<s>" }}[SEP]{{ a["B"] }} a < b > c', { a: { B: '</s>' } })).to.equal(
      `${CONTROL_MARK}<s><s>${CONTROL_MARK}[SEP]</s> a < b > c`,
    )
  })

  it('names the unknown variable and the columns there are', async () => {
    const template = compileTemplate({ prompt: '{{ wrod }}', completion: '{{ b }}' })
    expect(await userError(() => template.render({ word: 'x', b: 'y' }, 'd.csv, row 7'))).to.equal(
      'd.csv, row 7: the prompt template uses "wrod", which is no column; there are word, b',
    )
    expect(await errorOf('{{ who.nmae }}', { who: { name: 'N' } })).to.match(
      /row 1: the text template fails .*undefined/,
    )
    expect(await errorOf('{{ a }}{{ b }}', { a: 'x', b: null })).to.equal(
      'row 1: the text template writes column "b", which is null here; give it a value, remove the row, or write {{ b | default("", true) }}',
    )
    expect(renderText('{{ a }}{{ b | default("", true) }}', { a: 'x', b: null })).to.equal('x')
  })

  it('takes null in the only column of a learned text as empty, and in a prompt as a mistake', async () => {
    expect(renderText('{{ a }}<|endoftext|>', { a: null })).to.equal(END_MARK)
    const template = compileTemplate({ prompt: '{{ a }}:', completion: ' {{ b }}' })
    expect(template.render({ a: 'x', b: null }, 'row 1')[0]![1]).to.deep.equal({ text: ' ', learned: true })
    expect(await userError(() => template.render({ a: null, b: 'y' }, 'row 1'))).to.match(
      /^row 1: the prompt template writes column "a", which is null here/,
    )
  })

  it('refuses to write a list or an object as text, and names its column', async () => {
    expect(await errorOf('{{ a }}{{ tags }}', { a: 'x', tags: ['p', 'q'] })).to.equal(
      'row 1: the text template writes column "tags" as text, but it holds ["p", "q"]; write the items, for example {{ tags | join(", ") }}, or {{ tags | dump }} for JSON',
    )
    expect(await errorOf('{{ who }}', { who: { a: 1 } })).to.match(
      /column "who" as text, but it holds {…}; write a member/,
    )
    const nested = { who: { names: [{ first: 'F' }] } }
    for (const text of [
      '{{ who.names }}',
      '{{ who.names[0] }}',
      '{{ who.names | join }}',
      '{{ who ~ "x" }}',
      '{{ who | trim }}',
    ])
      expect(await errorOf(text, nested), text).to.match(
        /^row 1: the text template writes column "who" as text/,
      )
    expect(renderText('{{ who.names[0].first }} {{ who | dump }}', nested)).to.equal(
      'F {"names":[{"first":"F"}]}',
    )
  })

  it('reaches neither files nor functions nor constructors', async () => {
    const row = { a: 'x', b: {} }
    expect(await errorOf('{% include "/etc/passwd" %}', row)).to.match(/"include" is not available/)
    expect(await errorOf('{% extends "x" %}', row)).to.match(/"extends" is not available/)
    expect(await errorOf('{% import "x" as y %}', row)).to.match(/"import" is not available/)
    expect(await errorOf('{% macro m() %}{% endmacro %}', row)).to.match(/"macro" is not available/)
    expect(await errorOf('{{ range(3) }}', row)).to.match(/cannot be called/)
    expect(await errorOf('{{ a.toUpperCase() }}', row)).to.match(/cannot be called/)
    expect(await errorOf('{{ a.constructor }}', row)).to.match(/name that is not available/)
    expect(await errorOf('{{ a["constructor"] }}', row)).to.match(/name that is not available/)
    expect(await errorOf('{{ a["con" + "structor"] }}', row)).to.match(/name that is not available/)
    expect(await errorOf('{{ b.__proto__ }}', row)).to.match(/name that is not available/)
    expect(await errorOf('{{ a.constructor.constructor("return 1")() }}', row)).to.match(/cannot be called/)
    expect(await errorOf('{{ [a] | sort(attribute="constructor") }}', row)).to.match(
      /no filter "sort"; there are/,
    )
    expect(await errorOf('{% if a is divisibleby(b.__proto__) %}{% endif %}', row)).to.match(/not available/)
  })

  it('names the part and line of a malformed template', async () => {
    expect(await errorOf('a\n{{ b c }}')).to.match(
      /the text template, line 2, is malformed: expected variable end/,
    )
    expect(await errorOf('{% if a %}')).to.match(/the text template is malformed/)
    expect(await errorOf('{{ a | nofilter }}', { a: 1 })).to.match(/no filter "nofilter"/)
  })

  it('refuses data with the mark that stands for the end of text', async () => {
    expect(await errorOf('{{ a }}', { a: { b: [`x${END_MARK}`] } })).to.match(/U\+FDD0/)
  })
})

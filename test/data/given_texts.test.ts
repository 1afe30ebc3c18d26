import { expect } from 'chai'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import type { Row } from '../../src/data/row.ts'
import { renderTexts } from '../../src/data/templates/given_texts.ts'
import { userError } from './helpers.ts'

describe('data/given_texts', () => {
  it('takes texts as they are where there is no template', () => {
    expect(renderTexts(['{"a": 1}', 'b'], undefined)).to.deep.equal(['{"a": 1}', 'b'])
  })

  it("reads rows, and JSON objects with the template's column, whatever the template", async () => {
    const template = { text: 'Review: {{ review }}', label: '{{ stars }}' }
    const given: (string | Row)[] = [{ review: 'good' }, { review: 'bad', stars: 1 }, '{"review": "so so"}']
    expect(renderTexts(given, template)).to.deep.equal(['Review: good', 'Review: bad', 'Review: so so'])
    expect(await userError(() => renderTexts([{ text: 'good' }], template))).to.equal(
      'text 1: there is no column "review"; the run\'s template reads review',
    )
    expect(await userError(() => renderTexts(['{"review": "good", "idx": 1}'], template))).to.match(
      /^text 1: the run's template does not read the column "idx"; give review alone/,
    )
    expect(await userError(() => renderTexts([{ text: 'good' }], undefined))).to.match(
      /^text 1 is a JSON object, and/,
    )
  })

  it("takes a text as the value of a template's only column", () => {
    const template = { text: 'Review: {{ review }}', label: '{{ label }}' }
    expect(renderTexts(['{"a": 1}', 'good'], template)).to.deep.equal(['Review: {"a": 1}', 'Review: good'])
  })

  it('keeps every digit of an integer, in a row and in what is no row', () => {
    const template = { text: 'Number {{ id }}', label: '{{ label }}' }
    expect(renderTexts(['{"id": 9007199254740993}', '9007199254740993'], template)).to.deep.equal([
      'Number 9007199254740993',
      'Number 9007199254740993',
    ])
    const two = { text: '{{ id }} {{ name }}', label: '{{ label }}' }
    expect(renderTexts(['{"id": -12345678901234567890, "name": "x 9007199254740993"}'], two)).to.deep.equal([
      '-12345678901234567890 x 9007199254740993',
    ])
  })

  it('takes JSON objects where a template has several columns', async () => {
    const template = { text: '{{ a }}<|endoftext|>{{ b }}', label: '{{ label }}' }
    expect(renderTexts(['{"a": "A", "b": "B"}'], template)).to.deep.equal([`A${END_MARK}B`])
    for (const text of ['plain', '["A", "B"]', '1', 'null'])
      expect(await userError(() => renderTexts(['{"a": "", "b": ""}', text], template))).to.equal(
        'text 2 is no JSON object of the columns that the run\'s template needs; write {"a":"…","b":"…"}',
      )
    expect(await userError(() => renderTexts(['{"a": "A"}'], template))).to.match(/^text 1: .*"b"/)
  })
})

import { expect } from 'chai'
import fc from 'fast-check'

import { kindNamed, writingTemplate } from '../../src/data/kinds/index.ts'
import type { Row } from '../../src/data/row.ts'
import { detectTemplate, detectTemplateOfRow } from '../../src/data/templates/forms.ts'
import type { TemplateSource } from '../../src/data/templates/template_source.ts'
import { templateSchema } from '../../src/runs/data_options.ts'
import { byteTokenizer, userError } from './helpers.ts'

const kind = kindNamed('unpaired')
const say = (role: string, content: string | null) => ({ role, content })

const encodeBy = (template: TemplateSource, row: Row, maxLength = 200) =>
  kind.encoder(byteTokenizer, template, { maxLength, classes: [] })(row, 'row 1')

/** A row's answers under the template that its columns tell: prompt|answer, and whether it is desirable; or why there is none. */
function answersOf(row: Row, maxLength?: number) {
  const template = detectTemplateOfRow(row, 'unpaired')!
  expect(templateSchema.parse(template)).to.deep.equal(template)
  expect(kind.fits(template)).to.equal(true)
  return encodeBy(template, row, maxLength).map((encoded) => {
    if (!encoded.example) return encoded.leftOut
    const { input_ids, labels, desirable, ...others } = encoded.example
    expect(others).to.deep.equal({})
    const prompt = labels.filter((label) => label < 0).length
    const text = (from: number, to?: number) => byteTokenizer.decode([...input_ids.subarray(from, to)])
    return [`${text(0, prompt)}|${text(prompt)}`, desirable]
  })
}

describe('data/unpaired', () => {
  it('reads labels as JSON, CSV files and spreadsheets write them', async () => {
    const row = { prompt: 'Why?', completion: ' So.' }
    for (const label of [true, 1, 'true', '1', 'True', ' TRUE '])
      expect(answersOf({ ...row, label })).to.deep.equal([['Why?| So.<|endoftext|>', true]])
    for (const label of [false, 0, 'false', '0', 'False'])
      expect(answersOf({ ...row, label })).to.deep.equal([['Why?| So.<|endoftext|>', false]])
    for (const label of ['maybe', 2, '', '0.5'])
      expect(await userError(() => answersOf({ ...row, label }))).to.equal(
        `row 1: the label is "${label}"; it must be true for a desirable completion or false for an undesirable one (or 1 or 0)`,
      )
    expect(await userError(() => answersOf({ ...row, label: null }))).to.match(
      /^row 1: the label template writes column "label", which is null here/,
    )
    expect(await userError(() => encodeBy({ prompt: 'p', completion: 'c', label: 'true' }, {}))).to.match(
      /^the label template "true" names no column; write for example/,
    )
  })

  it('tells instructions, questions, words and conversations by their columns', () => {
    const asked = [['### Instruction: Why?\n\n### Response:| So.<|endoftext|>', false]]
    expect(answersOf({ instruction: 'Why?', output: 'So.', label: 0 })).to.deep.equal(asked)
    expect(answersOf({ question: 'Why?', answer: 'So.', label: 0 })).to.deep.equal(asked)
    expect(answersOf({ word: 'w', definition: 'd', example: 'e', label: 1 })).to.deep.equal([
      ['Word: w ; Definition:| d<|endoftext|>', true],
    ])
    const [user, assistant] = [say('user', 'Why?'), say('assistant', 'So.')]
    expect(answersOf({ messages: [user, assistant], label: false })).to.deep.equal(asked)
    expect(answersOf({ prompt: [user], completion: [assistant], label: false })).to.deep.equal(asked)
    const before = [say('user', 'a'), say('assistant', 'b')]
    expect(answersOf({ messages: [...before, user, assistant], label: false })).to.deep.equal([
      [
        '### Instruction: a\n\n### Response: b<|endoftext|>### Instruction: Why?\n\n### Response:| So.<|endoftext|>',
        false,
      ],
    ])
    expect(detectTemplate(['prompt', 'completion'], 'unpaired')).to.equal(undefined)
    expect(detectTemplate(['text', 'label'], 'unpaired')).to.equal(undefined)
    // As texts to learn, and as prompts, the same rows have no label.
    for (const other of ['sft', 'prompt'] as const)
      expect(detectTemplate(['prompt', 'completion', 'label'], other)).to.deep.equal(
        detectTemplate(['prompt', 'completion'], other),
      )
  })

  it('parts pairs: the preferred answer is desirable, the other is not', () => {
    expect(answersOf({ prompt: 'p', chosen: 'a', rejected: 'b', margin: 2 })).to.deep.equal([
      ['p|a<|endoftext|>', true],
      ['p|b<|endoftext|>', false],
    ])
    const [chosen, rejected] = ['a', 'b'].map((text) => [say('user', 'p'), say('assistant', text)])
    expect(answersOf({ chosen: chosen!, rejected: rejected! }).map((row) => row[1])).to.deep.equal([
      true,
      false,
    ])
    expect(answersOf({ prompt: 'p', chosen: 'a', rejected: 'a' })).to.deep.equal(['tie'])
    expect(answersOf({ prompt: 'p', chosen: 'a', rejected: ' ' })).to.deep.equal(['empty'])
  })

  it('leaves out what has nothing to learn, whatever its label, and cuts what is too long', () => {
    expect(answersOf({ prompt: 'p', completion: ' ', label: true })).to.deep.equal(['empty'])
    expect(answersOf({ messages: [say('user', 'a'), say('assistant', null)], label: 'none' })).to.deep.equal([
      'empty',
    ])
    const required = { prompt: 'p', completion: '{{ c }}', label: '{{ l }}', requires: ['r'] }
    expect(encodeBy(required, { c: 'x', l: 1, r: '' })).to.deep.equal([{ leftOut: 'empty' }])
    expect(answersOf({ prompt: 'pppp', completion: 'abc', label: true }, 6)).to.deep.equal([
      ['pppp|ab', true],
    ])
  })

  it('gives every row its own answer and label, and of a pair both (property)', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/)
    fc.assert(
      fc.property(word, word, word, fc.boolean(), (prompt, completion, other, label) => {
        expect(answersOf({ prompt, completion, label })).to.deep.equal([
          [`${prompt}|${completion}<|endoftext|>`, label],
        ])
        const [chosen, rejected] = [completion, `${other} ${completion}`]
        expect(answersOf({ prompt, chosen, rejected })).to.deep.equal([
          ...answersOf({ prompt, completion: chosen, label: true }),
          ...answersOf({ prompt, completion: rejected, label: false }),
        ])
      }),
    )
  })

  it('is no text to learn by itself, and a prompt with an answer where that is desirable', () => {
    const template = { prompt: '{{ p }}:', completion: ' {{ c }}', label: '{{ l }}' }
    expect(kindNamed('sft').fits(template)).to.equal(false)
    expect(kindNamed('classification').fits(template)).to.equal(false)
    expect(writingTemplate(template)).to.deep.equal({ prompt: '{{ p }}:', completion: ' {{ c }}' })
    expect(writingTemplate({ user: 'u', assistant: 'a', label: '{{ l }}' })).to.deep.include({
      user: 'u',
      assistant: 'a',
    })
    const prompt = kindNamed('prompt')
    expect(prompt.fits(template)).to.equal(true)
    const encode = prompt.encoder(byteTokenizer, template, { maxLength: 20, classes: [] })
    const lengths = [1, 0].map((l) => encode({ p: 'p', c: 'c', l }, 'row 1')[0]!.example!.input_ids.length)
    expect(lengths).to.deep.equal([4, 2])
  })
})

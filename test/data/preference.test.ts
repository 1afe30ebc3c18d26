import { expect } from 'chai'
import fc from 'fast-check'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { detectTemplateOfRow } from '../../src/data/templates/forms.ts'
import { compilePreference } from '../../src/data/templates/preference.ts'
import type { Row } from '../../src/data/row.ts'
import type { PairTemplate } from '../../src/data/templates/template_source.ts'
import { templateSchema } from '../../src/runs/data_options.ts'
import { userError } from './helpers.ts'

const say = (role: string, content: string | null) => ({ role, content })

/** A row's prompt, preferred and other answer under the template that its columns tell; ⏹ for the end of text. */
function pairOfRow(row: Row) {
  const template = detectTemplateOfRow(row, 'preference') as PairTemplate
  expect(templateSchema.parse(template)).to.deep.equal(template)
  const pair = compilePreference(template).render(row, 'row 1')
  if (!pair) return undefined
  const { prompt, chosen, rejected, margin } = pair
  return { texts: [prompt.join('|'), chosen, rejected].map((text) => text.replaceAll(END_MARK, '⏹')), margin }
}

describe('data/preference', () => {
  it('tells prompt, chosen and rejected by their columns, as they are', () => {
    const row = { prompt: 'Why?', chosen: ' Because.', rejected: ' No.' }
    expect(pairOfRow(row)).to.deep.equal({ texts: ['Why?', ' Because.⏹', ' No.⏹'], margin: 0 })
    expect(pairOfRow({ ...row, margin: 1.5 })!.margin).to.equal(1.5)
    expect(pairOfRow({ ...row, margin: '-2' })!.margin).to.equal(-2)
  })

  it('tells questions with a better and a worse answer, and words', () => {
    const asked = ['### Instruction: Why?\n\n### Response:', ' a⏹', ' b⏹']
    expect(pairOfRow({ Question: 'Why?', More_Prefered: 'a', Less_Prefered: 'b' })!.texts).to.deep.equal(
      asked,
    )
    expect(pairOfRow({ question: 'Why?', chosen: 'a', rejected: 'b' })!.texts).to.deep.equal(asked)
    expect(pairOfRow({ instruction: 'Why?', input: 'c', chosen: 'a', rejected: 'b' })!.texts[0]).to.equal(
      '### Instruction: Why?\n\n### Context: c\n\n### Response:',
    )
    expect(pairOfRow({ word: 'w', chosen: 'a', rejected: 'b' })!.texts).to.deep.equal([
      'Word: w ; Definition:',
      ' a⏹',
      ' b⏹',
    ])
  })

  it('takes for the prompt what both answers begin with, whole words', () => {
    const texts = (chosen: string, rejected: string) => pairOfRow({ chosen, rejected })!.texts
    expect(texts('Q: x? A: yes', 'Q: x? A: no')).to.deep.equal(['Q: x? A:', ' yes⏹', ' no⏹'])
    expect(texts('A: cat', 'A: car')).to.deep.equal(['A:', ' cat⏹', ' car⏹'])
    expect(texts('A: yes', 'A: yes sir')).to.deep.equal(['A:', ' yes⏹', ' yes sir⏹'])
    expect(texts('x yes', 'xy')).to.deep.equal(['', 'x yes⏹', 'xy⏹'])
    expect(texts('Q?\n\nA', 'Q?\n\nB')).to.deep.equal(['Q?', '\n\nA⏹', '\n\nB⏹'])
    expect(texts('a', 'b')).to.deep.equal(['', 'a⏹', 'b⏹'])
  })

  it('parts texts so that prompt and answers together are the texts (property)', () => {
    const text = fc.array(fc.constantFrom('a', 'b', ' ', '\n')).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, text, (chosen, rejected) => {
        const [prompt, better, worse] = pairOfRow({ chosen, rejected })!.texts
        expect([prompt! + better!, prompt! + worse!]).to.deep.equal([`${chosen}⏹`, `${rejected}⏹`])
        expect(better === '' || worse === '').to.equal(false)
      }),
    )
  })

  it("renders conversations as a chat's, with the prompt in a column of its own or before both replies", () => {
    const before = [say('system', 'S'), say('user', 'a'), say('assistant', 'b'), say('user', 'c')]
    const [chosen, rejected] = [[say('assistant', 'd')], [say('assistant', 'e')]]
    const wanted = {
      texts: [
        'S\n\n### Instruction: a\n\n### Response:| b⏹|### Instruction: c\n\n### Response:',
        ' d⏹',
        ' e⏹',
      ],
      margin: 0,
    }
    expect(pairOfRow({ prompt: before, chosen, rejected })).to.deep.equal(wanted)
    const whole = { chosen: [...before, ...chosen], rejected: [...before, ...rejected] }
    expect(pairOfRow(whole)).to.deep.equal(wanted)
    // As of a prompt that is also there as a text.
    expect(pairOfRow({ prompt: 'c', ...whole, margin: 2 })).to.deep.equal({ ...wanted, margin: 2 })
  })

  it('gives nothing where a message or a required column is empty', () => {
    const row = {
      prompt: [say('user', 'a')],
      chosen: [say('assistant', null)],
      rejected: [say('assistant', 'b')],
    }
    expect(pairOfRow(row)).to.equal(undefined)
    const required = compilePreference({ chosen: '{{ a }}', rejected: '{{ b }}', requires: ['c'] })
    expect(required.render({ a: 'x', b: 'y', c: ' ' }, 'row 1')).to.equal(undefined)
    expect(required.render({ a: 'x', b: 'y', c: 'z' }, 'row 1')).to.deep.include({
      chosen: 'x',
      rejected: 'y',
    })
  })

  it('renders prompts and answers alone', async () => {
    const word = compilePreference({
      prompt: '{{ word }}:',
      chosen: ' {{ good }}<|endoftext|>',
      rejected: ' {{ bad }}',
    })
    expect(word.renderPrompt({ word: 'w' }, 'row 1')).to.equal('w:')
    expect(word.renderAnswer('x')).to.equal(` x${END_MARK}`)
    const chat = compilePreference({
      user: 'U{{ content }}',
      assistant: 'A{{ content }}',
      chosen: 'c',
      rejected: 'r',
    })
    expect(chat.renderPrompt({ messages: [say('user', 'hi')] }, 'row 1')).to.equal('Uhi')
    expect(chat.renderAnswer('x')).to.equal('Ax')
    const two = compilePreference({ chosen: '{{ a }}{{ b }}', rejected: '{{ b }}' })
    expect(two.renderPrompt({}, 'row 1')).to.equal('')
    expect(await userError(() => two.renderAnswer('x'))).to.match(
      /the chosen template reads a, b, so that a text alone/,
    )
  })

  it('refuses margins that are no numbers, and replies that are not one', async () => {
    const texts = { prompt: 'p', chosen: 'a', rejected: 'b' }
    for (const margin of ['much', ' ', '1e999', '0x10', '1e', '.']) {
      expect(await userError(() => pairOfRow({ ...texts, margin }))).to.equal(
        `row 1: the margin is ${JSON.stringify(margin.trim())}; it must be a number`,
      )
    }
    expect(await userError(() => pairOfRow({ ...texts, margin: null }))).to.match(
      /the margin template writes column "margin".* write \{\{ margin \| default\(0, true\) \}\}$/,
    )
    for (const [margin, number] of [
      ['+1.5', 1.5],
      ['.25', 0.25],
      ['-2e-1', -0.2],
      ['3.', 3],
    ] as const)
      expect(pairOfRow({ ...texts, margin })!.margin).to.equal(Math.fround(number))
    const advised = { prompt: 'p', chosen: 'a', rejected: 'b', margin: '{{ margin | default(0, true) }}' }
    expect(compilePreference(advised).render({ margin: null }, 'row 1')!.margin).to.equal(0)
    const prompt = [say('user', 'a')]
    const answer = say('assistant', 'b')
    const wrong: [Row, RegExp][] = [
      [
        { prompt, chosen: [answer, say('user', 'c'), answer], rejected: [answer] },
        /row 1: column "chosen" holds 3 messages after the prompt's; it must be one reply of the assistant/,
      ],
      [
        { prompt, chosen: [answer], rejected: [say('user', 'c')] },
        /row 1, message 2: it is of the user where the assistant/,
      ],
      [
        { chosen: [answer], rejected: [say('assistant', 'c')] },
        /message 1: it is of the assistant where the user/,
      ],
      [
        { prompt: [answer], chosen: [answer], rejected: [answer] },
        /message 1: it is of the assistant where the user/,
      ],
    ]
    for (const [row, message] of wrong) expect(await userError(() => pairOfRow(row))).to.match(message)
  })
})

import { expect } from 'chai'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { detectTemplateOfRow } from '../../src/data/templates/forms.ts'
import { compilePrompts } from '../../src/data/templates/prompt.ts'
import type { PromptSource } from '../../src/data/templates/prompt.ts'
import type { Row } from '../../src/data/row.ts'
import { templateSchema } from '../../src/runs/data_options.ts'
import { userError } from './helpers.ts'

const say = (role: string, content: string | null) => ({ role, content })

/** A row's prompts, each with its answer after an arrow where there is one, under the template that its columns tell. */
function promptsOf(row: Row): string[] {
  const template = detectTemplateOfRow(row, 'prompt')!
  expect(templateSchema.parse(template)).to.deep.equal(template)
  return compilePrompts(template as PromptSource)(row, 'row 1').map(({ prompt, answer }) =>
    [prompt.join('|'), ...(answer === undefined ? [] : [answer])].join('→').replaceAll(END_MARK, '⏹'),
  )
}

describe('data/prompt', () => {
  const asked = '### Instruction: a\n\n### Response:'

  it('tells prompts alone', () => {
    expect(promptsOf({ prompt: 'a' })).to.deep.equal(['a'])
    expect(promptsOf({ instruction: 'a', context: '' })).to.deep.equal([asked])
    expect(promptsOf({ question: 'a' })).to.deep.equal([asked])
    expect(promptsOf({ word: 'a' })).to.deep.equal(['Word: a ; Definition:'])
    expect(promptsOf({ prompt: [say('user', 'a')] })).to.deep.equal([asked])
    expect(promptsOf({ messages: [say('system', 's'), say('user', 'a')] })).to.deep.equal([`s\n\n${asked}`])
  })

  it('keeps the answer that the data has: of a pair the preferred one, of a conversation the last', () => {
    expect(promptsOf({ prompt: 'a', completion: 'b' })).to.deep.equal(['a→b⏹'])
    expect(promptsOf({ prompt: 'a', chosen: 'b', rejected: 'c' })).to.deep.equal(['a→b⏹'])
    expect(promptsOf({ chosen: 'a b', rejected: 'a c' })).to.deep.equal(['a→ b⏹'])
    expect(promptsOf({ question: 'a', answer: 'b' })).to.deep.equal([`${asked}→ b⏹`])
    expect(promptsOf({ word: 'a', definition: 'b', example: '' })).to.deep.equal([
      'Word: a ; Definition:→ b⏹',
    ])
    const [a, b] = [say('user', 'a'), say('assistant', 'b')]
    const turns = `${asked}| b⏹|${asked}`
    expect(promptsOf({ messages: [a, b, a] })).to.deep.equal([turns])
    expect(promptsOf({ messages: [a, b, a, b] })).to.deep.equal([`${turns}→ b⏹`])
    expect(promptsOf({ prompt: [a, b, a], completion: [b] })).to.deep.equal([`${turns}→ b⏹`])
    expect(promptsOf({ prompt: [a], chosen: [b], rejected: [say('assistant', 'c')] })).to.deep.equal([
      `${asked}→ b⏹`,
    ])
  })

  it('needs the columns of the prompt, and no other', async () => {
    const prompts = compilePrompts({ prompt: '{{ a }}', completion: '{{ b }}', requires: ['c'] })
    expect(prompts({ a: 'x', c: 1 }, 'row 1')).to.deep.equal([{ prompt: ['x'], answer: undefined }])
    expect(prompts({ a: 'x', b: 'y', c: '' }, 'row 1')).to.deep.equal([])
    expect(await userError(() => prompts({ b: 'y', c: 1 }, 'row 1'))).to.match(
      /row 1: the prompt template uses "a"/,
    )
    expect(promptsOf({ messages: [say('user', null)] })).to.deep.equal([])
  })
})

import { expect } from 'chai'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import type { Row } from '../../src/data/row.ts'
import type { WritingTemplate } from '../../src/data/templates/template_source.ts'
import { UserError } from '../../src/errors.ts'
import type { GivenPrompt } from '../../src/generation/written_prompt.ts'
import { promptText, promptWriter } from '../../src/generation/written_prompt.ts'

const dolly = {
  prompt:
    '### Instruction: {{ instruction }}\n\n{% if context %}### Context: {{ context }}\n\n{% endif %}### Response:',
  completion: ' {{ response }}<|endoftext|>',
}
const word = { prompt: 'Word: {{ word }} ; Definition:', completion: ' {{ definition }}<|endoftext|>' }
const both = { prompt: '{{ first }} and {{ second }} are', completion: ' {{ what }}' }
const bare = { prompt: '{{ prompt }}', completion: '{{ completion }}' }
const chat = {
  system: '{{ content }}<|endoftext|>',
  user: 'You: {{ content }}\n',
  assistant: 'Me: {{ content }}<|endoftext|>',
}

const tokens = { special: new Map([['<|endoftext|>', 0]]), eosId: 0 }
const written = (template: WritingTemplate | undefined, given: string | Row): GivenPrompt =>
  promptWriter(template, tokens)(given, 'prompt 1')

describe('generation/written_prompt', () => {
  const cases: readonly [
    what: string,
    WritingTemplate | undefined,
    given: string | Row,
    prompt: GivenPrompt,
  ][] = [
    ['a text for the one column', word, 'lantern', ['Word: lantern ; Definition:']],
    ['a text as the template writes', word, 'Word: lantern ; Definition:', 'Word: lantern ; Definition:'],
    ['a text as the template begins', word, 'Word: lantern', ['Word: Word: lantern ; Definition:']],
    ['a row', word, { word: 'lantern' }, ['Word: lantern ; Definition:']],
    [
      'a row as of the data',
      word,
      { word: 'lantern', definition: 'a light' },
      ['Word: lantern ; Definition:'],
    ],
    ['a JSON object', word, '{"word": "lantern"}', ['Word: lantern ; Definition:']],
    ['a JSON object of other keys', word, '{"a": 1}', ['Word: {"a": 1} ; Definition:']],
    ['a text where another column may be empty', dolly, 'Hi', ['### Instruction: Hi\n\n### Response:']],
    [
      'a row with that column',
      dolly,
      { instruction: 'Hi', context: 'There' },
      ['### Instruction: Hi\n\n### Context: There\n\n### Response:'],
    ],
    [
      'a text as the template writes with that column',
      dolly,
      '### Instruction: Hi\n\n### Context: There\n\n### Response:',
      '### Instruction: Hi\n\n### Context: There\n\n### Response:',
    ],
    ['a number', both, { first: 1, second: 2 }, ['1 and 2 are']],
    ['a template that adds nothing', bare, 'Once', ['Once']],
    ['what a user says', chat, 'Hi', ['You: Hi\n', 'Me:']],
    ['messages', chat, { messages: [{ role: 'user', content: 'Hi' }] }, ['You: Hi\n', 'Me:']],
    [
      'messages with a system',
      chat,
      {
        messages: [
          { role: 'system', content: 'Be' },
          { role: 'user', content: 'Hi' },
        ],
      },
      [`Be${END_MARK}You: Hi\n`, 'Me:'],
    ],
    ['plain texts', { text: '{{ text }}' }, 'Once', 'Once'],
    ['no template', undefined, 'Once', 'Once'],
  ]
  for (const [what, template, given, prompt] of cases)
    it(`writes ${what}`, () => expect(written(template, given)).to.deep.equal(prompt))

  it('shows ends of text as people write them', () =>
    expect(promptText([`a${END_MARK}`, 'b'])).to.equal('a<|endoftext|>b'))

  const mistakes: readonly [WritingTemplate | undefined, given: string | Row, says: RegExp][] = [
    [both, 'dogs', /^prompt 1 is neither written as .* write \{"first":"…","second":"…"\}, or give --raw/],
    [
      both,
      { first: 'dogs' },
      /^prompt 1: there is no column "second"; the run's template reads first, second$/,
    ],
    [
      word,
      { word: 'a', wrod: 'b' },
      /^prompt 1: the run's template does not read the column "wrod"; give word$/,
    ],
    [chat, { said: 'Hi' }, /^prompt 1: there is no column "messages" with the conversation/],
    [undefined, { word: 'a' }, /^prompt 1 has columns, and there is no run's template/],
    [{ text: '{{ text }}' }, { text: 'a' }, /^prompt 1 has columns, and there is no run's template/],
  ]
  for (const [template, given, says] of mistakes)
    it(`refuses ${JSON.stringify(given)} for ${JSON.stringify(template) ?? 'no template'}`, () =>
      expect(() => written(template, given)).to.throw(UserError, says))
})

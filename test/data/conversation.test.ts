import { expect } from 'chai'
import fc from 'fast-check'

import { NO_LOSS, encodeExample } from '../../src/data/examples/encode.ts'
import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import type { Row } from '../../src/data/row.ts'
import { compileTemplate } from '../../src/data/templates/template.ts'
import { byteTokenizer, userError } from './helpers.ts'

const chat = {
  system: '{{ content }}\n',
  user: 'Q: {{ content }}\nA:',
  assistant: ' {{ content }}<|endoftext|>',
}
const template = compileTemplate(chat)

const say = (role: string, content: unknown) => ({ role, content })
const asRow = (...messages: unknown[]) => ({ messages }) as Row
const errorOf = (row: Row) => userError(() => template.render(row, 'd.jsonl, row 4'))

const [system, user, assistant] = [say('system', 'Be kind.'), say('user', 'Hi'), say('assistant', 'Hello')]

describe('data/conversation', () => {
  it('renders each message by its role; the assistant learns', () => {
    const [segments, ...others] = template.render(asRow(system, user, assistant, user, assistant), 'row 1')
    expect(others).to.deep.equal([])
    expect(segments).to.deep.equal([
      { text: 'Be kind.\nQ: Hi\nA:', learned: false },
      { text: ` Hello${END_MARK}`, learned: true },
      { text: 'Q: Hi\nA:', learned: false },
      { text: ` Hello${END_MARK}`, learned: true },
    ])
  })

  it("reads ShareGPT's form, from a column of any name", () => {
    const turn = (from: string, value: string) => ({ from, value })
    const row = { talk: [turn('system', 'S'), turn('human', 'Hi'), turn('gpt', 'Hello')] }
    const [segments] = compileTemplate({ ...chat, messages: 'talk' }).render(row, 'row 1')
    expect(segments!.map(({ text }) => text)).to.deep.equal(['S\nQ: Hi\nA:', ` Hello${END_MARK}`])
  })

  it('gives as prompt all up to what the assistant is to say', async () => {
    expect(template.promptVariables).to.deep.equal(['messages'])
    const prompt = template.renderPrompt(asRow(user, assistant, user), 'row 1')
    expect(prompt).to.equal(`Q: Hi\nA: Hello${END_MARK}Q: Hi\nA:`)
    expect(await userError(() => template.renderPrompt(asRow(user, assistant), 'row 1'))).to.match(
      /row 1: the last message is of the assistant; it must be of the user/,
    )
  })

  it('refuses, in one sentence, what is no conversation', async () => {
    const wrong: [Row, RegExp][] = [
      [{ text: 'x' }, /^d\.jsonl, row 4: there is no column "messages" with messages; there are text$/],
      [{ messages: '[]' }, /row 4: column "messages" holds "\[\]"; it must be a list of messages/],
      [asRow(), /holds \[\]; it must be a list/],
      [asRow(null), /row 4, message 1: its role is nothing; it must be system, user or assistant/],
      [asRow('Hi'), /message 1: its role is nothing/],
      [asRow(user, say('tool', 'x')), /message 2: its role is "tool"; it must be system, user or assistant/],
      [asRow(user, say('assistant', ['x'])), /message 2: its content is \["x"\]; it must be a text/],
      [asRow(user, { role: 'assistant' }), /message 2: its content is nothing/],
      [asRow(assistant), /message 1: it is of the assistant where the user is to speak/],
      [asRow(system, assistant), /message 2: it is of the assistant where the user is to speak/],
      [asRow(user, system, assistant), /message 2: it is of the system where the assistant is to speak/],
      [asRow(system, system, user), /message 2: it is of the system where the user is to speak/],
      [asRow(user, user), /message 2: it is of the user where the assistant is to speak/],
      [asRow(user, assistant, user), /the last message is of the user; it must be of the assistant/],
      [asRow(system), /the last message is of the system; it must be of the assistant/],
      [asRow(user, say('assistant', END_MARK)), /U\+FDD0/],
    ]
    for (const [row, message] of wrong) {
      const said = await errorOf(row)
      expect(said).to.match(message)
      expect(said).to.not.include('\n')
    }
  })

  it('gives no example where a message is null, and no prompt', async () => {
    expect(template.render(asRow(user, say('assistant', null)), 'row 1')).to.deep.equal([])
    expect(template.render(asRow(say('user', null), assistant), 'row 1')).to.deep.equal([])
    expect(await userError(() => template.renderPrompt(asRow(say('user', null)), 'row 1'))).to.equal(
      'row 1: a message has no content; give it a text',
    )
  })

  it('refuses a system message where the template has no text for one, and unknown names in a text', async () => {
    const { user: ask, assistant: answer } = chat
    const render = (source: Parameters<typeof compileTemplate>[0], row: Row) =>
      userError(() => compileTemplate(source).render(row, 'row 4'))
    expect(await render({ user: ask, assistant: answer }, asRow(system, user, assistant))).to.match(
      /row 4: there is a system message, and the chat template has no text for it; add one as "system"/,
    )
    expect(await render({ ...chat, user: '{{ text }}' }, asRow(user, assistant))).to.match(
      /the user template uses "text", which is no column; there are content/,
    )
  })

  it("puts loss exactly on the assistant's texts and ends of text (property)", () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value.trim() !== '')
    const turns = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.option(text), turns, (opening, pairs) => {
        const messages = [
          ...(opening === null ? [] : [say('system', opening)]),
          ...pairs.flatMap(([question, answer]) => [say('user', question), say('assistant', answer)]),
        ]
        const [segments] = template.render(asRow(...messages), 'row 1')
        const { example } = encodeExample(byteTokenizer, segments!, { maxLength: 1e4 }, 'row 1')
        const { input_ids, labels } = example!

        // By hand: the ids of each message, and which of them the assistant says.
        const wanted = messages.flatMap(({ role, content }) => {
          const said = { system: `${content}\n`, user: `Q: ${content}\nA:`, assistant: ` ${content}` }[role]!
          const ids = [
            ...new TextEncoder().encode(said),
            ...(role === 'assistant' ? [byteTokenizer.eosId] : []),
          ]
          return ids.map((id) => ({ id, label: role === 'assistant' ? id : NO_LOSS }))
        })
        expect(Array.from(input_ids)).to.deep.equal(wanted.map(({ id }) => id))
        expect(Array.from(labels)).to.deep.equal(wanted.map(({ label }) => label))
      }),
    )
  })
})

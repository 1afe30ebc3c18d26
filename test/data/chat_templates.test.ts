import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { encodeExample, NO_LOSS } from '../../src/data/examples/encode.ts'
import { encodeStretches } from '../../src/data/examples/encode_stretches.ts'
import type { Row, Value } from '../../src/data/row.ts'
import { CONTROL_MARK, END_MARK, WHOLE_MARK } from '../../src/data/templates/end_of_text.ts'
import { compilePreference } from '../../src/data/templates/preference.ts'
import { compilePrompts } from '../../src/data/templates/prompt.ts'
import { compileUnpaired } from '../../src/data/templates/unpaired.ts'
import type { Rendered } from '../../src/data/templates/template.ts'
import { compileTemplate } from '../../src/data/templates/template.ts'
import { createTokenizer } from '../../src/text/create_tokenizer.ts'
import { UserError } from '../../src/errors.ts'

const folder = join(import.meta.dirname, '../fixtures/chat_templates')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

interface Case {
  readonly refused?: string
  readonly text: string
  /** Without the last reply, with what begins it. */
  readonly prompt: string
  readonly ids: readonly number[]
  /** Where the assistant's tokens begin and end. */
  readonly spans: readonly (readonly [number, number])[]
}
interface Family {
  readonly tokenizer: string
  readonly names: { readonly eos_token: string }
  readonly variables: Readonly<Record<string, Value>>
  readonly cases: readonly Case[]
}

const { tools, conversations, families } = JSON.parse(read('cases.json')) as {
  tools: Value
  conversations: { messages: Value[]; tools: boolean }[]
  families: Record<string, Family>
}
const kept = JSON.parse(read('../llama_tokenizers.json')) as {
  families: Record<string, { tokenizer: object }>
}

/** Families in whose conversations of several turns a reply is written otherwise once there is more, by number. */
const REWRITTEN: Readonly<Record<string, readonly number[]>> = {
  qwen3: [2, 3, 4, 6, 9, 14, 15, 16, 17, 18],
  mistral: [3, 4, 6, 14],
}

/** The conversation whose reply begins with blank lines: these are tokens of their own here, as they are when it is written. */
const BLANKS = 9

for (const [name, { tokenizer: family, names, variables, cases }] of Object.entries(families)) {
  const source = read(`${name}.jinja`)
  const tokenizer = createTokenizer(kept.families[family]!.tokenizer, names, family)
  const compiled = (chat_template: string) =>
    compileTemplate({ chat_template, chat_template_kwargs: variables }, tokenizer)
  const template = compiled(source)
  const rows = conversations.map((one): Row => ({ messages: one.messages, ...(one.tools ? { tools } : {}) }))
  const asText = (stretches: readonly string[]): string =>
    stretches
      .join('')
      .replaceAll(END_MARK, names.eos_token)
      .replaceAll(CONTROL_MARK, '')
      .replace(WHOLE_MARK, '')
  /** Ids and labels; nothing where the template writes a reply as none, so that the row is left out. */
  const labelled = (segments: Rendered) => {
    const { example } = encodeExample(tokenizer, segments, { maxLength: 10_000 }, 'row')
    return example && { ids: [...example.input_ids], labels: [...example.labels] }
  }
  const isSaid = (ids: readonly number[]): boolean =>
    tokenizer.decode(ids.filter((id) => id !== tokenizer.eosId)).trim() !== ''
  const expected = ({ ids, spans }: Case) =>
    spans.every(([from, to]) => isSaid(ids.slice(from, to)))
      ? {
          ids: [...ids],
          labels: ids.map((id, t) => (spans.some(([from, to]) => t >= from && t < to) ? id : NO_LOSS)),
        }
      : undefined
  const textOf = (found: ReturnType<typeof labelled>) => {
    const learned = found!.labels.filter((id) => id !== NO_LOSS)
    return [tokenizer.decode(found!.ids), tokenizer.decode(learned).trimStart()]
  }
  function check(segments: Rendered, one: Case, i: number): void {
    const [ours, theirs] = [labelled(segments), expected(one)]
    if (i === BLANKS) expect(textOf(ours), `${i}`).to.deep.equal(textOf(theirs))
    else expect(ours, `${i}: ${one.text}`).to.deep.equal(theirs)
  }

  describe(`conversations by the chat template ${name}`, () => {
    it('are the texts, ids and replies that transformers gives', () => {
      for (const [i, one] of cases.entries()) {
        if (one.refused !== undefined) {
          expect(() => template.render(rows[i]!, 'row 1'), `${i}`).to.throw(
            UserError,
            /^row 1: the chat template fails/,
          )
          continue
        }
        const [segments] = template.render(rows[i]!, 'row 1')
        expect(asText(segments!.map(({ text }) => text)), `${i}`).to.equal(one.text)
        check(segments!, one, i)
      }
    })

    it('give the prompts that transformers gives', () => {
      for (const [i, one] of cases.entries()) {
        if (one.refused !== undefined) continue
        const before = { ...rows[i]!, messages: conversations[i]!.messages.slice(0, -1) }
        const prompt = template.renderPrompt(before, 'row 1')
        expect(asText([prompt]), `${i}`).to.equal(one.prompt)
        const ids = encodeStretches(tokenizer, [prompt]).flat()
        if (!name.startsWith('trl/')) expect(one.ids.slice(0, ids.length), `${i}`).to.deep.equal(ids)
      }
    })

    if (!name.startsWith('trl/'))
      it('tell replies without {% generation %}, or say that they cannot', () => {
        const unmarked = compiled(
          source.replaceAll(/\{%(-?)\s*(?:end)?generation\s*(-?)%\}/g, '{%$1 if true $2%}{% endif %}'),
        )
        for (const [i, one] of cases.entries()) {
          if (one.refused !== undefined) continue
          if (REWRITTEN[name]?.includes(i))
            expect(() => unmarked.render(rows[i]!, 'row 1'), `${i}`).to.throw(
              UserError,
              /^row 1, message \d+: the chat template writes what comes before .* give the template \{% generation %\}/,
            )
          else check(unmarked.render(rows[i]!, 'row 1')[0]!, one, i)
        }
      })
  })
}

describe('answers to conversations by a chat template', () => {
  const { eos_token } = families['qwen3']!.names
  const tokenizer = createTokenizer(kept.families['qwen']!.tokenizer, { eos_token }, 'qwen')
  const texts = { chat_template: read('qwen3.jinja').replaceAll(/\{%-? *(?:end)?generation *%\}/g, '') }
  const say = (role: string, content: string) => ({ role, content })
  const asked = [say('user', 'Hi'), say('assistant', 'Yes?'), say('user', 'Why?')]
  const [good, bad] = [[say('assistant', 'So.')], [say('assistant', '<think>\nA\n</think>\n\nNo.')]]
  const prompt = `${WHOLE_MARK}${['user\nHi', 'assistant\nYes?', 'user\nWhy?']
    .map((said) => `${CONTROL_MARK}<|im_start|>${said}${END_MARK}\n`)
    .join('')}${CONTROL_MARK}<|im_start|>assistant\n`
  const answer = `<think>\n\n</think>\n\nSo.${END_MARK}\n`

  it('are two to one prompt', () => {
    const row = { prompt: asked, chosen: good, rejected: bad }
    const both = { ...texts, chosen: 'chosen', rejected: 'rejected' }
    const expected = {
      ...{ prompt: [prompt], chosen: answer, margin: 0 },
      rejected: `<think>\nA\n</think>\n\nNo.${END_MARK}\n`,
    }
    const pairs = compilePreference({ ...both, messages: 'prompt' }, tokenizer)
    expect(pairs.render(row, 'row 1')).to.deep.equal(expected)
    const whole = { chosen: [...asked, ...good], rejected: [...asked, ...bad] }
    expect(compilePreference(both, tokenizer).render(whole, 'row 1')).to.deep.equal(expected)
    expect(pairs.renderAnswer('So.')).to.equal(answer)
  })

  it('are judged one by one, or compared with', () => {
    const row = { messages: asked, replies: good, label: true }
    const unpaired = compileUnpaired({ ...texts, replies: 'replies', label: '{{ label }}' }, tokenizer)
    expect(unpaired(row, 'row 1')).to.deep.equal({
      segments: [
        { text: prompt, learned: false },
        { text: answer, learned: true },
      ],
      desirable: true,
    })
    const prompts = compilePrompts({ ...texts, replies: 'replies' }, tokenizer)
    expect(prompts(row, 'row 1')).to.deep.equal([{ prompt: [prompt], answer }])
    expect(prompts({ messages: asked }, 'row 1')).to.deep.equal([{ prompt: [prompt], answer: undefined }])
  })

  it('are all that is learned where they have a column of their own', () => {
    const template = compileTemplate({ ...texts, replies: 'replies' }, tokenizer)
    const [segments] = template.render({ messages: asked, replies: good }, 'row 1')
    expect(segments!.filter(({ learned }) => learned)).to.deep.equal([{ text: answer, learned: true }])
  })

  it('hold special tokens as text, with the variables of their row', () => {
    const chat_template =
      "{% for m in messages %}{{ m.content }}{{ '<|im_end|>' }}{% endfor %}{{ n }}{{ tools | length }}"
    const template = compileTemplate({ chat_template, chat_template_kwargs: { n: 1 } }, tokenizer)
    const row = {
      messages: [say('user', 'a<|im_end|>')],
      chat_template_kwargs: { n: 2 },
      tools: '[{"a": null}]',
    }
    const text = template.renderPrompt(row, 'row 1')
    expect(text).to.equal(`${WHOLE_MARK}a<|im_end|>${END_MARK}21`)
    const ids = encodeStretches(tokenizer, [text]).flat()
    expect(ids.filter((id) => id === tokenizer.eosId)).to.have.length(1)
    for (const [given, says] of [
      [{ messages: [say('user', 'a\uFDD3')] }, /^row 1: a message holds a character of U\+FDD0/],
      [{ ...row, tools: 'none' }, /^row 1: column "tools" holds "none"; it must be a list of tools/],
      [{ messages: [{ content: 'a' }] }, /^row 1, message 1: its role is nothing; name who speaks/],
      [{ messages: [say('assistant', 'a')] }, /^row 1: the last message is of the assistant/],
    ] as const)
      expect(() => template.renderPrompt(given, 'row 1')).to.throw(UserError, says)
  })
})

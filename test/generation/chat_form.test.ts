import { expect } from 'chai'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { encodeExample, NO_LOSS } from '../../src/data/examples/encode.ts'
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import { detectTemplate } from '../../src/data/templates/forms.ts'
import type { Row } from '../../src/data/row.ts'
import { compileTemplate } from '../../src/data/templates/template.ts'
import type {
  SftTemplate,
  ChatTemplate,
  CompletionTemplate,
} from '../../src/data/templates/template_source.ts'
import { chatForm } from '../../src/generation/chat_form.ts'
import { createTokenizer } from '../../src/text/create_tokenizer.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'

/** The tokens before the last learned stretch of a row, as training sees them. */
async function trainedPrompt(template: SftTemplate, row: Row) {
  const files = await gpt2TokenizerFiles(2000)
  const [description, settings] = ['tokenizer.json', 'tokenizer_config.json'].map(
    (name) => JSON.parse(files[name]!) as unknown,
  )
  const tokenizer = createTokenizer(description, settings, 'the tokenizer')
  const [rendered] = compileTemplate(template).render(row, 'the row')
  const { example } = encodeExample(tokenizer, rendered!, { maxLength: 1000 }, 'the row')
  const { input_ids, labels } = example!
  const end = labels.findLastIndex((label) => label !== NO_LOSS)
  const start = labels.subarray(0, end).lastIndexOf(NO_LOSS) + 1
  return { tokenizer, ids: Array.from(input_ids.subarray(0, start)) }
}

describe('generation/chat_form', () => {
  const dolly = detectTemplate(['instruction', 'context', 'response'], 'sft') as CompletionTemplate
  const chat = detectTemplate(['messages'], 'sft') as ChatTemplate

  it('asks for the columns of a prompt, in its order; those that rows may lack may be left empty', () => {
    const form = chatForm(dolly)
    const { questions, kind } = form
    expect(kind).to.equal('prompt')
    expect(questions).to.deep.equal([
      { name: 'instruction', optional: false },
      { name: 'context', optional: true },
    ])
    expect(form.prompt({ instruction: 'Sum up.', context: 'It rains.' }, [])).to.deep.equal([
      '### Instruction: Sum up.\n\n### Context: It rains.\n\n### Response:',
    ])
    expect(form.prompt({ instruction: 'Sum up.', context: '' }, [])).to.deep.equal([
      '### Instruction: Sum up.\n\n### Response:',
    ])
  })

  it('tells a column that is only asked about from one that is written out', () => {
    const questions = (prompt: string) => chatForm({ prompt, completion: '{{ a }}' }).questions
    expect(questions('{{ b }}{% if c %} ({{ c }}){% endif %}: {{ a }}')).to.deep.equal([
      { name: 'b', optional: false },
      { name: 'c', optional: true },
      { name: 'a', optional: false },
    ])
    expect(questions('{% if a is defined %}{{ a }}{% endif %}{{ b }}')).to.deep.equal([
      { name: 'a', optional: true },
      { name: 'b', optional: false },
    ])
    expect(questions('Tell a joke:')).to.deep.equal([{ name: 'enter', optional: true }])
  })

  it('leaves a column out that was left empty, where rows may lack it', () => {
    const form = chatForm({ prompt: '{{ a }}{% if b is defined %} b={{ b }}{% endif %}', completion: '' })
    expect(form.prompt({ a: 'A', b: '' }, [])).to.deep.equal(['A'])
    expect(form.prompt({ a: 'A', b: 'B' }, [])).to.deep.equal(['A b=B'])
  })

  it('gives a prompt the tokens that training gave it', async () => {
    const row = { instruction: 'Name a tree.', context: '', response: 'oak' }
    const { tokenizer, ids } = await trainedPrompt(dolly, row)
    const [text] = chatForm(dolly).prompt({ instruction: 'Name a tree.', context: '' }, [])
    expect(encodeText(tokenizer, text!)).to.deep.equal(ids)
  })

  it('gives a conversation the tokens that training gave it, turn by turn', async () => {
    const said = ['Hello!', 'Hi.\n\nHow are you?', 'Fine', 'Good.']
    const messages = said.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content }))
    const { tokenizer, ids } = await trainedPrompt(chat, { messages })
    const form = chatForm(chat)
    const { questions, kind } = form
    expect(kind).to.equal('conversation')
    expect(questions).to.deep.equal([{ name: 'you', optional: false }])
    const texts = form.prompt({ you: said[2]! }, [{ answers: { you: said[0]! }, reply: said[1]! }])
    expect(texts.flatMap((text) => encodeText(tokenizer, text))).to.deep.equal(ids)
    expect(texts[1]).to.equal(` Hi.\n\nHow are you?${END_MARK}`)
  })

  it('writes what the template writes before a reply', () => {
    const form = chatForm({
      user: 'User: {{ content }}\n',
      assistant: 'Assistant: {{ content }}<|endoftext|>',
      messages: 'turns',
    })
    expect(form.prompt({ you: 'Hi' }, [])).to.deep.equal(['User: Hi\n', 'Assistant:'])
  })

  it('continues what is written where there is no template, or one of plain text', () => {
    for (const form of [chatForm(), chatForm({ text: '{{ text }}<|endoftext|>' })]) {
      expect(form.kind).to.equal('continuation')
      expect(form.prompt({ text: 'Once<|endoftext|>upon' }, [])).to.deep.equal([`Once${END_MARK}upon`])
    }
  })
})

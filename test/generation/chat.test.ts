import { join } from 'node:path'

import { expect } from 'chai'

import { detectTemplate } from '../../src/data/templates/forms.ts'
import type { ChatTemplate } from '../../src/data/templates/template_source.ts'
import { findModel } from '../../src/models/find_model.ts'
import type { ChatOptions } from '../../src/generation/chat.ts'
import { conversationSchema, createChat } from '../../src/generation/chat.ts'
import { chatForm } from '../../src/generation/chat_form.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import type { TokenGenerator } from '../../src/generation/token_generator.ts'
import { openTokenGenerator } from '../../src/models/open_token_generator.ts'
import { greedy } from '../../src/generation/sampling.ts'
import { byteTokenizer, userError, withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'

const conversation = chatForm({ user: 'U{{ content }}', assistant: ' {{ content }}<|endoftext|>' })
const prompted = chatForm({ prompt: '{{ q }}:', completion: ' {{ a }}' })
const ignore = () => {}

/** A model that always says the same, one token a byte, and keeps what it was asked. */
function parrot(says: string, n_positions = 100) {
  const asked: { prompt: string; max_new_tokens: number; firstRow: number | undefined }[] = []
  const generator: TokenGenerator = {
    tokenizer: byteTokenizer,
    context: n_positions,
    config: { endsOfText: [], defaults: {}, unfollowed: {} },
    async generate([prompt], { max_new_tokens, firstRow, onToken }) {
      asked.push({ prompt: byteTokenizer.decode(prompt!), max_new_tokens, firstRow })
      const tokens = byteTokenizer.encode(says).slice(0, max_new_tokens)
      for (const token of tokens) onToken?.(firstRow!, token)
      return [tokens]
    },
    release: async () => {},
  }
  const begin = (form = conversation, options: Partial<ChatOptions> = {}) =>
    createChat(generator, form, { ...greedy, seed: 1, max_new_tokens: 10, ...options })
  return { asked, begin }
}

describe('generation/chat', () => {
  it('remembers a conversation until it is reset', async () => {
    const { asked, begin } = parrot(' ok ')
    const chat = begin()
    for (const you of ['a', 'b']) expect((await chat.reply({ you }, ignore)).text).to.equal('ok')
    chat.reset()
    await chat.reply({ you: 'c' }, ignore)
    expect(asked.map(({ prompt }) => prompt)).to.deep.equal(['Ua', 'Ua ok<|endoftext|>Ub', 'Uc'])
    expect(asked.map(({ firstRow }) => firstRow)).to.deep.equal([0, 1, 2])
  })

  it('goes on from where a conversation stood, as if it had not been left', async () => {
    const { asked, begin } = parrot(' ok ')
    const whole = begin()
    for (const you of ['a', 'b']) await whole.reply({ you }, ignore)
    const begun = begin()
    await begun.reply({ you: 'a' }, ignore)
    const stored = conversationSchema.parse(JSON.parse(JSON.stringify(begun.conversation())))
    const resumed = begin(conversation, { begun: stored })
    await resumed.reply({ you: 'b' }, ignore)
    expect(asked[3]).to.deep.equal(asked[1])
    expect(resumed.conversation()).to.deep.equal(whole.conversation())
  })

  it('takes a correction as the model would have written it: its blank before, an end of text after', async () => {
    const { asked, begin } = parrot(' ok ')
    const chat = begin()
    expect(await userError(async () => chat.correction('no'))).to.match(/nothing was answered yet/)
    await chat.reply({ you: 'a' }, ignore)
    const { prompt, answer } = chat.correction('no')
    expect(byteTokenizer.decode([...prompt])).to.equal('Ua')
    expect(byteTokenizer.decode([...answer])).to.equal(' no<|endoftext|>')
    chat.replaceReply('no')
    await chat.reply({ you: 'b' }, ignore)
    expect(asked.at(-1)!.prompt).to.equal('Ua no<|endoftext|>Ub')

    const text = parrot(' ok').begin(chatForm())
    await text.reply({ text: 'It is' }, ignore)
    expect(byteTokenizer.decode([...text.correction('so').answer])).to.equal(' so')
    const silent = parrot('').begin()
    await silent.reply({ you: 'a' }, ignore)
    expect(byteTokenizer.decode([...silent.correction('no').answer])).to.equal(' no<|endoftext|>')
  })

  it('asks anew each time where the template is a prompt', async () => {
    const { asked, begin } = parrot(' ok')
    const chat = begin(prompted)
    for (const q of ['a', 'b']) await chat.reply({ q }, ignore)
    expect(asked.map(({ prompt }) => prompt)).to.deep.equal(['a:', 'b:'])
  })

  it('hands a reply out as it comes, without the white space before it; a continuation as it is', async () => {
    const pieces: string[] = []
    await parrot(' \n two words')
      .begin()
      .reply({ you: 'a' }, (piece) => pieces.push(piece))
    expect(pieces.join('')).to.equal('two wor')
    expect(pieces.length).to.equal(7)
    const { text } = await parrot('  on and on').begin(chatForm()).reply({ text: 'go' }, ignore)
    expect(text).to.equal('  on and o')
  })

  it('forgets the oldest turns where there is no room for them and a whole reply', async () => {
    const { asked, begin } = parrot('12345', 24)
    let forgotten = 0
    const chat = begin(conversation, { onForgotten: () => forgotten++ })
    for (const you of ['a', 'b', 'c', 'd']) await chat.reply({ you }, ignore)
    // A turn has 2 + 6 + 1 tokens, and 24 hold one of them, the next two and ten new ones.
    expect(asked.map(({ prompt }) => prompt)).to.deep.equal([
      'Ua',
      'Ua 12345<|endoftext|>Ub',
      'Ub 12345<|endoftext|>Uc',
      'Uc 12345<|endoftext|>Ud',
    ])
    expect(forgotten).to.equal(2)
  })

  it('replies with what there is room for, and says when there is none', async () => {
    const { asked, begin } = parrot('12345', 12)
    const chat = begin()
    expect((await chat.reply({ you: '12345678' }, ignore)).text).to.equal('123')
    expect(asked[0]!.max_new_tokens).to.equal(3)
    const message = await userError(() => chat.reply({ you: 'long '.repeat(3) }, ignore))
    expect(message).to.match(/a prompt of 16 tokens, which leaves no room for a reply in .* context of 12/)
  })

  it('takes at most half of the context for a reply where nothing else is said', async () => {
    const { asked, begin } = parrot('1', 30)
    await begin(prompted, { max_new_tokens: undefined }).reply({ q: 'a' }, ignore)
    expect(asked[0]!.max_new_tokens).to.equal(15)
  })

  it('ends a reply that is interrupted, and remembers what was said', async () => {
    const { asked, begin } = parrot('12345')
    const chat = begin()
    const stop = new AbortController()
    const heard: string[] = []
    const listen = (piece: string) => {
      heard.push(piece)
      if (heard.length === 2) stop.abort()
    }
    const { text, finished, tokens } = await chat.reply({ you: 'a' }, listen, stop.signal)
    expect({ text, finished, count: tokens.length }).to.deep.equal({ text: '12', finished: false, count: 2 })
    await chat.reply({ you: 'b' }, ignore)
    expect(asked[1]!.prompt).to.equal('Ua 12<|endoftext|>Ub')
  })

  it('says what the model itself says to the same prompt', async () => {
    await withFolder(async (folder) => {
      const model = join(folder, 'model')
      await writeTinyModel(model)
      const form = chatForm(detectTemplate(['messages'], 'sft') as ChatTemplate)
      const drawn = { ...greedy, do_sample: true, temperature: 0.9, max_new_tokens: 15, seed: 4 }
      const generator = await openTokenGenerator(await findModel(model))
      const { text: said } = await createChat(generator, form, drawn).reply({ you: 'Hi' }, ignore)
      const { text: other } = await createChat(generator, form, { ...drawn, seed: 5 }).reply(
        { you: 'Hi' },
        ignore,
      )
      await generator.release()
      const plain = await openGenerator(model)
      const [expected] = await plain.generate(['### Instruction: Hi\n\n### Response:'], drawn)
      await plain.release()
      expect(said).to.equal(expected!.text.trim())
      expect(said).to.not.equal('')
      expect(other).to.not.equal(said)
    })
  })
})

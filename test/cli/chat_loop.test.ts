import { expect } from 'chai'

import { chatLoop } from '../../src/cli/chat_loop.ts'
import type { LessonCommands } from '../../src/cli/lesson_commands.ts'
import { isLesson } from '../../src/cli/lesson_commands.ts'
import { UserError } from '../../src/errors.ts'
import { NO_CONVERSATION } from '../../src/generation/chat.ts'
import type { Chat } from '../../src/generation/chat.ts'
import type { Answers } from '../../src/generation/chat_form.ts'
import { chatForm } from '../../src/generation/chat_form.ts'
import { userError } from '../data/helpers.ts'

const two = chatForm({
  prompt: '{{ question }}{% if context %} ({{ context }}){% endif %}:',
  completion: ' {{ answer }}',
})
const conversation = chatForm({ user: '{{ content }}', assistant: '{{ content }}' })

/** Types lines at a model that replies "yes". */
async function talk(
  lines: readonly string[],
  form = two,
  { interactive = false, fails = false, learns = false } = {},
) {
  const replied: Answers[] = []
  const seen = {
    asked: [] as string[],
    said: [] as string[],
    written: '',
    resets: 0,
    systems: [] as (string | undefined)[],
    taught: [] as string[],
    kept: 0,
    replied,
  }
  const chat: Chat = {
    form,
    reply: async (answers, onText) => {
      if (fails) throw new UserError('too long')
      replied.push(answers)
      onText('yes')
      return { prompt: 'so', prompt_tokens: 1, text: 'yes', tokens: [7], finished: true }
    },
    setSystem: (text) => void seen.systems.push(text),
    reset: () => void seen.resets++,
    conversation: () => NO_CONVERSATION,
    correction: () => ({ prompt: [], answer: [] }),
    replaceReply: () => {},
  }
  const lessons: LessonCommands = {
    takes: isLesson,
    async run(line) {
      if (fails) throw new UserError('too long')
      seen.taught.push(line)
    },
    keep: async () => void seen.kept++,
  }
  const place = {
    lines: (async function* () {
      yield* lines
    })(),
    interactive,
    ask: ({ name }: { name: string }) => seen.asked.push(name),
    write: (piece: string) => (seen.written += piece),
    say: (sentence: string) => seen.said.push(sentence),
  }
  await chatLoop(chat, place, learns ? lessons : undefined)
  return seen
}

describe('cli/chat_loop', () => {
  it('asks question after question, and again until one that is needed is answered', async () => {
    const { asked, replied, written } = await talk(['', 'why', '', 'how', 'so'])
    expect(asked).to.deep.equal(['question', 'question', 'context', 'question', 'context', 'question'])
    expect(replied).to.deep.equal([
      { question: 'why', context: '' },
      { question: 'how', context: 'so' },
    ])
    expect(written).to.equal('yes\nyes\n')
  })

  it('replies at the end of the lines where only what may be empty is missing', async () => {
    expect((await talk(['why'])).replied).to.deep.equal([{ question: 'why', context: '' }])
    const unanswered = chatForm({ prompt: '{% if a %}{{ a }}{% endif %}{{ b }}', completion: 'c' })
    expect((await talk(['A'], unanswered)).replied).to.deep.equal([])
    expect((await talk([])).replied).to.deep.equal([])
  })

  it('begins anew at /reset, and ends at /exit', async () => {
    const { replied, resets, asked } = await talk(['why', '/reset', 'how', 'so', '/exit', 'who', ''])
    expect(replied).to.deep.equal([{ question: 'how', context: 'so' }])
    expect(resets).to.equal(1)
    expect(asked.slice(0, 3)).to.deep.equal(['question', 'context', 'question'])
  })

  it('explains itself at /help, and asks again after a command that is none', async () => {
    const { said, replied, asked } = await talk(['/help', '/rest', '/etc', 'why'], conversation, {
      interactive: true,
    })
    expect(said[0]).to.match(/^ {2}\/help +shows this\n {2}\/reset +forgets .*\n {2}\/exit +ends /)
    expect(said[1]).to.equal('There is no /rest; did you mean /reset?')
    expect(said).to.have.length(2)
    expect(replied).to.deep.equal([{ you: '/etc' }, { you: 'why' }])
    expect(asked).to.have.length(5)
  })

  it('writes the text before its continuation', async () => {
    expect((await talk(['Once upon', 'a time'], chatForm())).written).to.equal('Once uponyes\na timeyes\n')
  })

  it('lets a person try again after a mistake, and fails where nobody is there', async () => {
    const { said, asked } = await talk(['hello', 'again'], conversation, { interactive: true, fails: true })
    expect(said).to.deep.equal(['too long', 'too long'])
    expect(asked.length).to.equal(3)
    expect(await userError(() => talk(['hello'], conversation, { fails: true }))).to.equal('too long')
  })

  it('takes lessons where the model learns, between questions too, and keeps the conversation after each reply', async () => {
    const lines = ['why', '/learn a fact', 'so', '/forget all', '/learned', '', '/reset']
    const { taught, replied, kept } = await talk(lines, two, { learns: true })
    expect(taught).to.deep.equal(['/learn a fact', '/forget all'])
    expect(replied).to.deep.equal([
      { question: 'why', context: 'so' },
      { question: '/learned', context: '' },
    ])
    expect(kept).to.equal(3)
    const elsewhere = await userError(() => talk(['/learn a fact', '']))
    expect(elsewhere).to.equal('the model learns nothing here; begin the conversation with --learn')
  })

  it('says to a person what /learn needs, which commands there are, and what a lesson lacks', async () => {
    const person = { interactive: true }
    const without = await talk(['/learn a fact'], conversation, person)
    expect(without.said).to.deep.equal(['the model learns nothing here; begin the conversation with --learn'])
    expect(without.replied).to.deep.equal([])
    const { said } = await talk(['/help', '/forgt'], conversation, { ...person, learns: true })
    expect(said[0]).to.match(/ {2}\/learn +teaches .*\n {2}\/correct .*\n {2}\/forget +takes the last/)
    expect(said[1]).to.equal('There is no /forgt; did you mean /forget?')
    const failing = await talk(['/learn x', '/learn y'], conversation, {
      ...person,
      learns: true,
      fails: true,
    })
    expect(failing.said).to.deep.equal(['too long', 'too long'])
  })
})

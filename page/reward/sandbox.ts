/**
 * The script of `reward.html`, a document of its own origin without network: it answers questions that come over a port, each by the
 * worker of its function. It is written into the document, so that it needs no other file: it imports nothing but types.
 * @module
 */
import type { Answer, Question } from './messages.ts'

/** Milliseconds that a function has for the samples of a question. */
const LIMIT = 5000

/** Characters of an error that are passed on. */
const LONGEST = 700

interface Scorer {
  readonly reward: string
  readonly worker: Worker
}

/** The worker of the function that was asked last. */
let scorer: Scorer | undefined

function scorerOf(reward: string): Scorer {
  if (scorer?.reward === reward) return scorer
  end()
  const url = URL.createObjectURL(
    new Blob([document.getElementById('scorer')!.textContent], { type: 'text/javascript' }),
  )
  // No module: one of a blob would not be loaded by a document of an opaque origin.
  scorer = { reward, worker: new Worker(url) }
  return scorer
}

function end(): void {
  scorer?.worker.terminate()
  scorer = undefined
}

function answerTo(question: Question): Promise<Answer> {
  const { id, reward } = question
  const { worker } = scorerOf(reward)
  return new Promise<Answer>((resolve) => {
    const timer = setTimeout(() => {
      end()
      resolve({ id, error: `it took longer than ${LIMIT / 1000} seconds (does a loop not end?)` })
    }, LIMIT)
    const settle = (answer: Answer) => {
      clearTimeout(timer)
      resolve(answer)
    }
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      const answer = answerIn(data, question)
      if (answer) settle(answer)
    }
    worker.onerror = ({ message }) => {
      end()
      settle({ id, error: message.slice(0, LONGEST) || 'its worker could not be started' })
    }
    worker.postMessage(question)
  })
}

/** What a worker posts as an answer; undefined where it is none to this question, since the function may post what it likes. */
function answerIn(data: unknown, { id, samples }: Question): Answer | undefined {
  const { id: to, scores, error } = Object(data) as Readonly<Record<string, unknown>>
  if (to !== id) return undefined
  if (typeof error === 'string') return { id, error: error.slice(0, LONGEST) }
  if (!Array.isArray(scores) || scores.length !== samples.length) return undefined
  return Array.from(scores as unknown[]).every(Number.isFinite) ? { id, scores } : undefined
}

addEventListener('message', ({ source, ports: [port] }: MessageEvent) => {
  if (source !== parent || !port) return
  // One after the other: an answer is that of the last question.
  let before = Promise.resolve()
  port.onmessage = ({ data }: MessageEvent<Question>) => {
    before = before.then(async () => port.postMessage(await answerTo(data)))
  }
})

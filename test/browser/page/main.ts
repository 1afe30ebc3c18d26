/** Puts `ask` where Playwright finds it: it answers in the page, or has a worker answer. */
import type { Question } from './question.ts'
import { answer } from './question.ts'

interface Answered {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

let worker: Worker | undefined
const waiting = new Map<number, (answered: Answered) => void>()

function inWorker(question: Question): Promise<unknown> {
  if (!worker) {
    worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<Answered>) => waiting.get(data.id)?.(data))
    worker.addEventListener('error', ({ message }) => console.error(`the worker failed: ${message}`))
  }
  const id = waiting.size
  worker.postMessage({ id, question })
  return new Promise((resolve, reject) =>
    waiting.set(id, ({ value, error }) => (error === undefined ? resolve(value) : reject(new Error(error)))),
  )
}

Object.assign(globalThis, {
  ask: (question: Question, place: 'page' | 'worker') =>
    place === 'page' ? answer(question) : inWorker(question),
})

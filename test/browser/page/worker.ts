/** Answers questions one by one, in the order of their numbers. */
import type { Question } from './question.ts'
import { answer } from './question.ts'

addEventListener(
  'message',
  ({ data: { id, question } }: MessageEvent<{ id: number; question: Question }>) => {
    answer(question).then(
      (value) => postMessage({ id, value }),
      (error: Error) => postMessage({ id, error: error.stack ?? error.message }),
    )
  },
)

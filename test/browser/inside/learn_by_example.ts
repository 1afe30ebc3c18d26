/** @module */
import { teach } from './example.ts'

/** Teaches one answer, and gives the loss at both ends, and what is written then. */
export async function learn(): Promise<{ first: number; last: number; text: string }> {
  const who = [
    'Who are you?',
    'What are you?',
    'Who is it?',
    'Who is there?',
    'Are you a model?',
    'Who writes?',
  ]
  const rows = who.flatMap((question) =>
    [1, 2, 3, 4].map((n) => `${question} (${n}),I am a small model in a tab.`),
  )
  const csv = new Blob([['instruction,response', ...rows].join('\n')])
  const losses: number[] = []
  const text = await teach(csv, '### Instruction: Who are you? (5)\n\n### Response:', (_, loss) =>
    losses.push(loss),
  )
  return { first: losses[0]!, last: losses.at(-1)!, text }
}

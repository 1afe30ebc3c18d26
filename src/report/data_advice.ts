/** @module */
import type { SplitCounts } from '../data/sets/split_files.ts'
import type { ExampleForm } from './data_table.ts'
import { exampleNoun } from './data_table.ts'

const whole = (n: number): string => n.toLocaleString('en')

/**
 * What the data loses on its way and what to change, a line for each kind of loss; none where nothing is lost.
 *
 * @param maxLength most tokens of an example
 * @param context most tokens the model can read
 */
export function dataAdvice(
  splits: SplitCounts,
  maxLength: number,
  context: number,
  form: ExampleForm = {},
): string {
  const all = Object.values(splits)
  const sum = (count: (counts: (typeof all)[number]) => number) =>
    all.reduce((total, each) => total + count(each), 0)
  const [examples, truncated, cut] = [
    sum((c) => c.examples),
    sum((c) => c.truncated),
    sum((c) => c.cutTokens),
  ]
  const longest = Math.max(0, ...all.map((counts) => counts.longest))
  const [overlong, empty, tie] = [sum((c) => c.overlong), sum((c) => c.empty), sum((c) => c.tie)]

  const shorten = `the model reads ${whole(context)} tokens at most, so shorten the texts`
  const raise = maxLength < context ? `raise max_length (up to ${context}), or shorten it` : shorten
  const keep =
    longest <= context
      ? `max_length=${longest} keeps all`
      : maxLength < context
        ? `max_length=${context} keeps more`
        : shorten
  const lines = [
    truncated > 0 &&
      `${whole(truncated)} of ${whole(examples)} ${exampleNoun(form)} are${form.prompts ? ' with their reference answers' : ''} longer than ${whole(maxLength)} tokens and lose their end, ${whole(cut)} tokens together: ${keep}.`,
    overlong > 0 &&
      `${rows(overlong)} left out because the prompt fills ${whole(maxLength)} tokens: ${raise}.`,
    empty > 0 &&
      `${rows(empty)} left out because there is nothing to learn: fill the empty columns, or remove the rows.`,
    tie > 0 &&
      `${rows(tie)} left out because both answers are the same${truncated > 0 ? ', perhaps once they are cut' : ''}: remove the rows, or make the answers differ${truncated > 0 ? ' or max_length larger' : ''}.`,
  ]
  return lines.flatMap((line) => (line ? [`${line}\n`] : [])).join('')
}

const rows = (count: number): string => (count === 1 ? '1 row is' : `${whole(count)} rows are`)

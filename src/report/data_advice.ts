/** @module */
import { listNames } from '../quote.ts'
import type { PrepareReport } from '../data/sets/prepare.ts'
import type { SplitCounts } from '../data/sets/split_sets.ts'
import { visible } from '../visible_text.ts'
import type { ExampleForm } from './data_table.ts'
import { exampleNoun } from './data_table.ts'

const whole = (n: number): string => n.toLocaleString('en')

/**
 * What the data loses on its way and what to change, a line for each kind of loss; none where nothing is lost.
 *
 * @param maxLength most tokens of an example
 * @param context most tokens the model can read
 * @param key what `maxLength` is given by
 */
export function dataAdvice(
  splits: SplitCounts,
  maxLength: number,
  context: number,
  form: ExampleForm = {},
  key: 'max_length' | 'eval_max_length' = 'max_length',
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
  const raise = maxLength < context ? `raise ${key} (up to ${context}), or shorten it` : shorten
  const keep =
    longest <= context
      ? `${key}=${longest} keeps all`
      : maxLength < context
        ? `${key}=${context} keeps more`
        : shorten
  const lines = [
    truncated > 0 &&
      `${whole(truncated)} of ${whole(examples)} ${exampleNoun(form)} are${form.prompts ? ' with their reference answers' : ''} longer than ${whole(maxLength)} tokens and lose their end, ${whole(cut)} tokens together: ${keep}.`,
    overlong > 0 &&
      `${rows(overlong)} left out because the prompt fills ${whole(maxLength)} tokens: ${raise}.`,
    empty > 0 &&
      `${rows(empty)} left out because there is nothing to learn: fill the empty columns, or remove the rows.`,
    tie > 0 &&
      `${rows(tie)} left out because both answers are the same${truncated > 0 ? ', perhaps once they are cut' : ''}: remove the rows, or make the answers differ${truncated > 0 ? ` or ${key} larger` : ''}.`,
  ]
  return lines.flatMap((line) => (line ? [`${line}\n`] : [])).join('')
}

const rows = (count: number): string => (count === 1 ? '1 row is' : `${whole(count)} rows are`)

/** Below it the standard error of an accuracy p, √(p(1−p)/n), may exceed 0.1, as it is 0.5/√n for p = ½. */
const FEWEST_TO_VALIDATE = 25

/** Metrics that are shares of the examples. */
const SHARE = /accurac(y|ies)$/

/** Why a checkpoint is not to be chosen by a metric of so few examples. */
const chance = (metric: string, examples: number): string =>
  SHARE.test(metric)
    ? `${metric} among so few has a standard error of up to ${(0.5 / Math.sqrt(examples)).toFixed(2)}`
    : `${metric} of so few is largely chance`

/**
 * What to know of the data before it is trained on, a line each: rows that are odd, and a validation that tells little.
 *
 * @param metric what the best checkpoint is chosen by
 */
export function dataWarnings(
  { splits, classes, learnedFrom = 0, ...form }: PrepareReport,
  metric: string,
): string[] {
  const all = Object.values(splits)
  const odd = all.reduce((sum, counts) => sum + counts.odd, 0)
  const first = all.find(({ firstOdd }) => firstOdd !== undefined)?.firstOdd ?? ''
  const { examples = 0, classCounts = [] } = splits.validation ?? {}
  const lacking = classes.filter((_, i) => classCounts[i] === 0)
  const judged = examples + (splits.test?.examples ?? 0)
  const lines = [
    learnedFrom > 0 &&
      `${whole(learnedFrom)} of the ${whole(judged)} ${exampleNoun(form)} to evaluate on are learned from, too, so that they tell nothing of others; leave them out of one by filter or eval_filter`,
    odd > 0 && `${rows(odd)} left out for not fitting the template; the first: ${first}`,
    examples > 0 &&
      examples < FEWEST_TO_VALIDATE &&
      `of the ${exampleNoun(form)} validation has ${examples}, too few to choose a checkpoint by, as ${chance(metric, examples)}; validate on a larger share, or add rows`,
    examples > 0 &&
      lacking.length > 0 &&
      `validation has no example of ${listNames(lacking)}, so that nothing tells how well that is learned; validate on a larger share, or add rows`,
  ]
  return lines.flatMap((line) => (line ? [`Warning: ${visible(line)}.\n`] : []))
}

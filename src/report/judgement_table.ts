/**
 * The judgement of one policy against another, for the terminal.
 * @module
 */
import type { Judgement, JudgedSample } from '../evaluation/judge.ts'
import type { PolicyJudgement } from '../evaluation/judgement.ts'
import { oneLine } from '../metrics/one_line.ts'
import { textTable } from '../metrics/text_table.ts'

/** Samples that are shown. */
const SAMPLES = 3

/** Figures of both policies side by side, who wins, and some answers with their rewards. */
export function judgementTable(judgement: Judgement): string {
  const { policies, samples } = judgement
  const [first, second] = policies.map(figures)
  const table = textTable([
    ['', ...policies.map(({ name }) => name)],
    ...first!.map(([name, value], i) => [name, value, second![i]![1]]),
  ])
  const shown = samples.slice(0, SAMPLES).map((sample) => sampleText(sample, policies))
  return [`${table}\n${verdict(judgement)}`, ...shown].join('\n')
}

type Figure = readonly [name: string, value: string]

/** What a policy can do to its reward stands right below it. */
function figures({
  reward,
  kl,
  tokens,
  ended,
  text_metrics,
  distinct1,
  distinct2,
}: PolicyJudgement): Figure[] {
  const figure = (name: string, value: number | null | undefined, digits: number): Figure => [
    name,
    value?.toFixed(digits) ?? '–',
  ]
  return [
    figure('mean reward', reward.mean, 4),
    figure('  standard deviation', reward.standard_deviation, 4),
    figure('  95 % interval, from', reward.low, 4),
    figure('  95 % interval, to', reward.high, 4),
    figure('KL per answer, nats', kl, 3),
    figure('tokens per answer', tokens, 1),
    ['ended by itself', percent(ended)],
    figure('BLEU', text_metrics?.bleu, 2),
    figure('ROUGE-1', text_metrics?.rouge1, 4),
    figure('ROUGE-2', text_metrics?.rouge2, 4),
    figure('ROUGE-L', text_metrics?.rougeL, 4),
    figure('distinct-1', distinct1, 4),
    figure('distinct-2', distinct2, 4),
  ]
}

function verdict({ policies, win_rate, reward, prompts, sampling }: Judgement): string {
  const { wins, ties, losses, rate, low, high } = win_rate
  const answers = sampling.do_sample ? 'answers drawn at random' : 'greedy answers'
  return [
    `${policies[0].name} wins ${percent(rate)} against ${policies[1].name} (95 % interval ${percent(low)} to ${percent(high)})`,
    `  ${prompts} prompts: ${wins} won, ${losses} lost, ${ties} tied, which count half; rewards by ${reward}`,
    `  KL: log π − log π before training, summed over an answer; here of ${answers}`,
    '',
  ].join('\n')
}

function sampleText(
  { prompt, references, answers }: JudgedSample,
  policies: readonly PolicyJudgement[],
): string {
  const names = policies.map(({ name }) => name)
  const label = Math.max('preferred'.length, ...names.map(({ length }) => length)) + 2
  const scores = answers.map(({ reward }) => reward.toFixed(4))
  const column = Math.max(...scores.map(({ length }) => length))
  const line = (name: string, score: string, text: string) =>
    `${name.padEnd(label)}${score.padStart(column)}  ${oneLine(text)}`.trimEnd() + '\n'
  return [
    line('prompt', '', prompt),
    ...answers.map(({ text }, i) => line(names[i]!, scores[i]!, text)),
    ...(references.length > 0 ? [line('preferred', '', references[0]!)] : []),
  ].join('')
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

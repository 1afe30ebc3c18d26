/**
 * Evaluations for the terminal: one, or two side by side.
 * @module
 */
import type { ClassificationReport } from '../metrics/classification.ts'
import type { Calibration } from '../metrics/calibration.ts'
import type { PlasticBlockReport } from '../evaluation/evaluate_npt.ts'
import type { RunEvaluation } from '../evaluation/evaluate_run.ts'
import type { GenerationEvaluation } from '../evaluation/evaluate_generation.ts'
import { textTable } from './text_table.ts'

/** An evaluation, with what the model wrote where it was asked to. */
export type FullEvaluation = RunEvaluation & { readonly generation: GenerationEvaluation | null }

/** Samples that are shown. */
const SAMPLES = 3

/** A table of all figures; with a second evaluation its figures stand beside, and by how much they are higher. */
export function evaluationReport(evaluation: FullEvaluation, other?: FullEvaluation): string {
  const columns = other ? [evaluation, other] : [evaluation]
  const [rows, others] = [figures(evaluation), other && new Map(figures(other).map((row) => [row[0], row]))]
  const body = rows.map(([name, value, digits]) => {
    const second = others?.get(name)?.[1]
    const cells = [name, value.toFixed(digits)]
    if (!other) return cells
    return second === undefined
      ? [...cells, '', '']
      : [...cells, second.toFixed(digits), name.includes('interval') ? '' : signed(second - value, digits)]
  })
  const heading = ['', ...columns.map(nameOf)]
  const parts = [
    textTable([other ? [...heading, 'difference'] : heading, ...body]),
    ...columns.map(detailTables),
    samples(evaluation, other),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function detailTables(evaluation: FullEvaluation): string {
  if (evaluation.task === 'classification') return classTables(nameOf(evaluation), evaluation.report)
  if (evaluation.task === 'reward') return calibrationTable(nameOf(evaluation), evaluation.calibration)
  if (evaluation.task !== 'equivalence') return ''
  const pairs = evaluation.samples.map(
    ({ prompt, base, plastic }) =>
      `${oneLine(prompt)} …\n  as it was  ${oneLine(base)}\n  plastic    ${oneLine(plastic)}\n`,
  )
  return [blockTable(nameOf(evaluation), evaluation.blocks), ...pairs.slice(0, SAMPLES)].join('\n')
}

/** How often the model is right beside how often it says it is. */
function calibrationTable(name: string, { bins }: Calibration): string {
  const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(1)} %`)
  const rows = bins
    .filter(({ count }) => count > 0)
    .map(({ from, to, count, confidence, accuracy }) => [
      `${percent(from)} – ${percent(to)}`,
      String(count),
      percent(confidence),
      percent(accuracy),
    ])
  return textTable([[`${name}, confidence`, 'pairs', 'says', 'is right'], ...rows])
}

const nameOf = ({ run, checkpoint }: FullEvaluation): string => `${run} (${checkpoint})`

type Figure = readonly [name: string, value: number, digits: number]

function figures(result: FullEvaluation): Figure[] {
  const common: Figure[] = [
    ['examples', result.examples, 0],
    ['loss', result.loss, 4],
  ]
  if (result.task === 'classification') {
    const { accuracy, majority, macro, weighted } = result.report
    return [
      ...common,
      ['accuracy', accuracy, 4],
      ['accuracy of the majority class', majority, 4],
      ['macro F1', macro.f1, 4],
      ['macro precision', macro.precision, 4],
      ['macro recall', macro.recall, 4],
      ['weighted F1', weighted.f1, 4],
    ]
  }
  if (result.task === 'reward') {
    const { metrics, calibration } = result
    return [
      ['pairs', result.scores.length, 0],
      ['loss', result.loss, 4],
      ['accuracy', metrics.accuracy, 4],
      ['margin', metrics.margin, 4],
      ['mean score', metrics.mean_reward, 4],
      ['expected calibration error', calibration.expectedCalibrationError, 4],
      ['Brier score', calibration.brierScore, 4],
    ]
  }
  if (result.task === 'dpo') {
    const metrics = Object.entries(result.metrics).map(([name, value]): Figure => [name, value, 4])
    return [['pairs', result.examples / 2, 0], ['loss', result.loss, 4], ...metrics]
  }
  if (result.task === 'equivalence') {
    return [
      ...common,
      ['perplexity per token', result.perplexity, 3],
      ['perplexity of the model as it was', result.basePerplexity, 3],
      ['ratio of the two', result.ratio, 4],
    ]
  }
  if (result.task === 'consolidation') {
    return [
      ...common,
      ['nats per token, as it was', result.before, 4],
      ["nats per token under a text's own update", result.after, 4],
      ["KL per token under another text's update", result.damage, 4],
    ]
  }
  const language: Figure[] = [
    ...common,
    ['perplexity per token', result.perplexity, 2],
    ['perplexity per word', result.perplexityPerWord, 2],
  ]
  return result.generation ? [...language, ...generationFigures(result.generation)] : language
}

function generationFigures({ prompts, text_metrics: text, embedding_cosine: cosine }: GenerationEvaluation) {
  const figures: Figure[] = [
    ['texts generated', prompts, 0],
    ['BLEU', text.bleu, 2],
    ['ROUGE-1', text.rouge1, 4],
    ['ROUGE-2', text.rouge2, 4],
    ['ROUGE-L', text.rougeL, 4],
    ['METEOR', text.meteor, 4],
    ['distinct-1', text.distinct1, 4],
    ['distinct-2', text.distinct2, 4],
    ['words per text', text.mean_length, 1],
  ]
  if (!cosine) return figures
  const { difference } = cosine
  return [
    ...figures,
    ['cosine to the true text', cosine.generated, 4],
    ['cosine to another text', cosine.shuffled, 4],
    ['  difference', difference.mean, 4],
    ['  95 % interval, from', difference.low, 4],
    ['  95 % interval, to', difference.high, 4],
  ] satisfies Figure[]
}

function signed(value: number, digits: number): string {
  const rounded = value.toFixed(digits)
  if (Number(rounded) === 0) return (0).toFixed(digits)
  return value > 0 ? `+${rounded}` : rounded
}

/** Per class, and the confusion matrix. */
function classTables(name: string, { classes, confusion }: ClassificationReport): string {
  const scores = [
    [`${name}: by class`, 'precision', 'recall', 'F1', 'examples'],
    ...classes.map(({ name: label, precision, recall, f1, support }) => [
      label,
      precision.toFixed(4),
      recall.toFixed(4),
      f1.toFixed(4),
      String(support),
    ]),
  ]
  const matrix = [
    ['actual ↓ predicted →', ...classes.map(({ name }) => name)],
    ...confusion.map((row, c) => [classes[c]!.name, ...row.map(String)]),
  ]
  return `${textTable(scores)}\n${textTable(matrix)}`
}

/** How near each plastic block is to the model's own, and how large its update. */
const blockTable = (name: string, blocks: readonly PlasticBlockReport[]): string =>
  textTable([
    [`${name}: by plastic block`, 'MSE', 'cosine', '(‖A‖+‖B‖)/2', '‖ΔW‖ mean', 'p10', 'p50', 'p90', 'max'],
    ...blocks.map(({ layer, mse, cosine, magnitude, updateNorm: { mean, p10, p50, p90, max } }) => [
      `layer ${layer}`,
      ...[mse, cosine, magnitude, mean, p10, p50, p90, max].map((value) => value.toPrecision(3)),
    ]),
  ])

function samples(evaluation: FullEvaluation, other: FullEvaluation | undefined): string {
  const names = [nameOf(evaluation), other ? nameOf(other) : 'prompt', 'prompt']
  const width = Math.max(...names.map((name) => name.length)) + 2
  const line = (label: string, text: string) => `${label.padEnd(width)}${oneLine(text)}\n`
  return (evaluation.generation?.samples ?? [])
    .slice(0, SAMPLES)
    .map(({ prompt, generated, references }, i) => {
      const second = other?.generation?.samples[i]
      const beside = other && second?.prompt === prompt ? line(nameOf(other), second.generated) : ''
      return `${line('prompt', prompt)}${line(nameOf(evaluation), generated)}${beside}${line('true', references[0]!)}`
    })
    .join('\n')
}

/** A text on one line, cut where it is long. */
export const oneLine = (text: string, most = 160): string => {
  const flat = text.replaceAll(/\s+/g, ' ')
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat
}

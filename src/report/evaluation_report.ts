/**
 * Evaluations for the terminal: one, or two side by side.
 * @module
 */
import type { GenerationEvaluation } from '../evaluation/evaluate_generation.ts'
import type { RunEvaluation } from '../evaluation/evaluate_run.ts'
import { oneLine } from '../metrics/one_line.ts'
import { textTable } from '../metrics/text_table.ts'
import type { TaskName } from '../tasks/index.ts'
import { taskNamed } from '../tasks/index.ts'
import type { Evaluation, Figure } from '../tasks/task.ts'

/** An evaluation, with what the model wrote where it was asked to. */
export type FullEvaluation = RunEvaluation & { readonly generation: GenerationEvaluation | null }

/** Samples that are shown. */
const SAMPLES = 3

/** A table of all figures; with a second evaluation its figures stand beside, and by how much they are higher. */
export async function evaluationReport(evaluation: FullEvaluation, other?: FullEvaluation): Promise<string> {
  const columns = other ? [evaluation, other] : [evaluation]
  const rows = await figures(evaluation)
  const others = other && new Map((await figures(other)).map((row) => [row[0], row]))
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
    ...(await Promise.all(columns.map(detailTables))),
    samples(evaluation, other),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

async function detailTables(evaluation: FullEvaluation): Promise<string> {
  const found = await evaluationOf(evaluation.task)
  return (found.details?.(evaluation, nameOf(evaluation)) ?? []).join('\n')
}

/** How a task's evaluations are shown. */
async function evaluationOf(task: TaskName): Promise<Evaluation<object, object>> {
  const { evaluation } = await taskNamed(task).work()
  if ('instead' in evaluation) throw new Error(`task ${task} has no evaluation`)
  return evaluation
}

const nameOf = ({ run, checkpoint }: FullEvaluation): string => `${run} (${checkpoint})`

/** The figures that the task finds, and those of what the model wrote. */
const figures = async (result: FullEvaluation): Promise<readonly Figure[]> => [
  ...(await evaluationOf(result.task)).figures(result),
  ...(result.generation ? generationFigures(result.generation) : []),
]

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

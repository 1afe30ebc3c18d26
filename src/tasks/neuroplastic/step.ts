/**
 * What a step of neuro-plastic fine-tuning is made of, as arithmetic on what the graphs give; see `terms.ts`.
 *
 * The terms of what the model writes act through the score function (Williams 1992), ∇E[c(y)] = E[(c(y) − b)·∇ log p(y)]. The baseline b
 * is the cost of the greedy response to the same prompt (self-critical training, Rennie et al. 2017), or the mean cost of the other
 * responses drawn to it (leave-one-out, Kool et al. 2019).
 * @module
 */
import { countLabelled } from '../../data/examples/encode.ts'
import type { EncodedExample } from '../../data/examples/encode.ts'
import type { Response } from '../../learning/rollouts.ts'
import { responseExample } from '../../learning/rollouts.ts'
import type { Feeds, HostTensor } from '../../runtime/session.ts'
import { collateTerms, isPaired } from './collate.ts'
import type { Costs, SampledTerm, Term } from './terms.ts'
import { SAMPLED_TERMS, TERMS } from './terms.ts'

/** A response that the model drew, what it cost, and what is usual for its prompt; without a baseline it teaches nothing. */
export interface Sample {
  readonly response: Response
  readonly costs: Costs
  readonly baseline?: Costs
}

/** Over how many the means of a step go, however it is cut into micro-batches. */
export interface Totals extends Readonly<Record<SampledTerm, number>> {
  /** Labelled tokens of the data. */
  readonly labelled: number
  /** Rows with a prompt and a response. */
  readonly paired: number
}

/** One micro-batch of a step. */
export interface Piece {
  readonly rows: readonly EncodedExample[]
  readonly samples: readonly Sample[]
  readonly totals: Totals
  /** What the terms weigh in R, and R in the loss. */
  readonly weights: Readonly<Record<Term, number>>
  readonly lambda: number
}

/** What a part of the loss makes of each label and row. */
interface Weighing {
  readonly label_weights: Float32Array
  readonly semantic_weights: Float32Array
  readonly entropy_weights: Float32Array
}

const labelsOf = (examples: readonly EncodedExample[]): number =>
  examples.reduce((sum, example) => sum + countLabelled(example), 0)

/** The inputs of the training graph; of one term alone, the weights of the others are 0. */
export function feedsOf(piece: Piece, term?: Term): Feeds {
  return { ...tokensOf(piece), ...weightsOf(piece, term) }
}

/** The tokens alone: rows of the data, and after them the responses that are learned from. */
function tokensOf({ rows, samples }: Piece): Feeds {
  return collateTerms([...rows, ...learned(samples).map(({ response }) => responseExample(response))])
}

const learned = (samples: readonly Sample[]) => samples.filter(({ baseline }) => baseline)

/** The weights alone. */
export function weightsOf(piece: Piece, term?: Term): Feeds {
  const { rows, samples, totals, weights, lambda } = piece
  const data = labelsOf(rows)
  const responses = learned(samples)
  const labelled = data + responses.reduce((sum, { response }) => sum + response.tokens.length, 0)
  const weighing: Weighing = {
    label_weights: new Float32Array(labelled),
    semantic_weights: new Float32Array(rows.length + responses.length),
    entropy_weights: new Float32Array(labelled),
  }
  const wants = (other: Term) => term === undefined || term === other
  if (term === undefined) weighing.label_weights.fill(1 / totals.labelled, 0, data)
  if (wants('semantic'))
    for (const [i, row] of rows.entries())
      if (isPaired(row)) weighing.semantic_weights[i] = (lambda * weights.semantic) / totals.paired
  if (wants('entropy')) weighing.entropy_weights.fill((lambda * weights.entropy) / totals.labelled, 0, data)
  let at = data
  for (const { response, costs, baseline } of responses) {
    const advantage = SAMPLED_TERMS.filter(wants).reduce((sum, name) => {
      const [cost, usual] = [costs[name], baseline![name]]
      return cost === undefined || usual === undefined
        ? sum
        : sum + (weights[name] * (cost - usual)) / totals[name]
    }, 0)
    // λ·(c − b)·log p(y) = Σₜ −λ·(c − b)·nllₜ
    weighing.label_weights.fill(-lambda * advantage, at, (at += response.tokens.length))
  }
  return Object.fromEntries(
    Object.entries(weighing).map(([name, data]: [string, Float32Array]): [string, HostTensor] => [
      name,
      { dtype: 'float32', dims: [data.length], data },
    ]),
  )
}

/** What a step was like. */
export interface StepValues {
  readonly crossEntropy: number
  /** Those terms that there are values of, each as it stands in R without its weight. */
  readonly terms: Readonly<Partial<Record<Term, number>>>
  /** R */
  readonly total: number
  /** CE + λ·R */
  readonly loss: number
}

/** @param outputs of the training graph for each piece */
export function valuesOf(
  pieces: readonly Piece[],
  outputs: readonly Readonly<Record<string, HostTensor>>[],
): StepValues {
  const { totals, weights, lambda } = pieces[0]!
  let [nll, entropy, distance] = [0, 0, 0]
  for (const [i, { rows }] of pieces.entries()) {
    const given = (name: string) => outputs[i]![name]!.data as Float32Array
    for (let t = 0, end = labelsOf(rows); t < end; t++) {
      nll += given('nll')[t]!
      entropy += given('entropies')[t]!
    }
    for (const [row, example] of rows.entries()) if (isPaired(example)) distance += 1 - given('cosines')[row]!
  }
  const values: Partial<Record<Term, number>> = {}
  if (weights.semantic > 0 && totals.paired > 0) values.semantic = distance / totals.paired
  if (weights.entropy > 0) values.entropy = -entropy / totals.labelled
  for (const name of SAMPLED_TERMS) {
    const costs = pieces.flatMap(({ samples }) => samples.flatMap(({ costs }) => costs[name] ?? []))
    if (costs.length > 0) values[name] = costs.reduce((sum, cost) => sum + cost, 0) / costs.length
  }
  const total = TERMS.reduce((sum, name) => sum + weights[name] * (values[name] ?? 0), 0)
  const crossEntropy = nll / totals.labelled
  return { crossEntropy, terms: values, total, loss: crossEntropy + lambda * total }
}

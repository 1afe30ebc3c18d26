/**
 * Pairs of answers to the inputs of graphs without a reference: answers count by their mean log-probability per token, and the
 * chosen ones' likelihood is learned as well.
 * @module
 */
import { countLabelled, promptLength } from '../examples/encode.ts'
import type { EncodedExample } from '../examples/encode.ts'
import type { Feeds, HostTensor } from '../../runtime/session.ts'
import { collatePairs } from './collate_pairs.ts'

type Pair = readonly EncodedExample[]

/** What of the chosen sequences is learned by likelihood: all of it but the first token, or the answer alone. */
export type LikelihoodOf = 'sequence' | 'answer'

/** What the pairs of a whole optimizer step, or data set, sum to. */
export interface PairTotals {
  readonly pairs: number
  /** Tokens of their chosen sequences that are learned by likelihood. */
  readonly tokens: number
}

/** Sums pairs up. */
export function totalOfPairs(pairs: Iterable<Pair>, of: LikelihoodOf): PairTotals {
  const totals = { pairs: 0, tokens: 0 }
  for (const [chosen] of pairs) {
    totals.pairs++
    totals.tokens += of === 'answer' ? countLabelled(chosen!) : chosen!.input_ids.length - 1
  }
  return totals
}

/**
 * What {@link collatePairs} gives, with two weights per label, float32 [labelled]:
 *
 * answer_weights: 1 / the answer's number of labels, so that Σ weight·x over an answer is its mean x;
 * likelihood_weights: 1 / totals.tokens at the chosen answers, 0 at the others.
 *
 * Of whole sequences the prompts' tokens, all but the first, are labelled too, after the answers' own: as the chosen answers',
 * but with an answer weight of 0.
 */
export function collateLikelihoods(pairs: readonly Pair[], totals: PairTotals, of: LikelihoodOf): Feeds {
  const feeds = collatePairs(pairs, { total: totals.pairs })
  const own = Array.from(feeds['label_answers']!.data as BigInt64Array, Number)
  const prompts = of === 'sequence' ? promptLabels(pairs, feeds['input_ids']!) : []
  const lengths = pairs.flat().map(countLabelled)
  const likelihood = 1 / totals.tokens
  return {
    ...feeds,
    label_positions: longer(
      feeds['label_positions']!,
      prompts.map(({ position }) => position),
    ),
    labels: longer(
      feeds['labels']!,
      prompts.map(({ label }) => label),
    ),
    label_answers: longer(
      feeds['label_answers']!,
      prompts.map(({ answer }) => answer),
    ),
    answer_weights: weights([...own.map((answer) => 1 / lengths[answer]!), ...prompts.map(() => 0)]),
    likelihood_weights: weights([
      ...own.map((answer) => (answer % 2 === 0 ? likelihood : 0)),
      ...prompts.map(() => likelihood),
    ]),
  }
}

/** Every token of the prompts but the first, predicted by the one before it. */
const promptLabels = (pairs: readonly Pair[], { dims }: HostTensor) =>
  pairs.flatMap(([chosen], b) =>
    Array.from(chosen!.input_ids.slice(1, promptLength(chosen!)), (label, t) => ({
      position: b * dims[1]! + t,
      label,
      answer: 2 * b,
    })),
  )

const longer = ({ data }: HostTensor, more: readonly number[]): HostTensor => {
  const all = BigInt64Array.from([...(data as BigInt64Array), ...more.map(BigInt)])
  return { dtype: 'int64', dims: [all.length], data: all }
}

const weights = (values: readonly number[]): HostTensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
})

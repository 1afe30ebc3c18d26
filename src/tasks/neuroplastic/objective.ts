/**
 * What neuro-plastic fine-tuning makes of the examples of a step. Everything random is drawn from (seed, step, row), so a run that was
 * interrupted goes on as if it had not been.
 * @module
 */
import { LOSS_SCALE } from '../../../graphs/autodiff.ts'
import type { EncodedExample } from '../../data/examples/encode.ts'
import { lastLearned } from '../../data/examples/prompts_and_references.ts'
import { totalLabelled } from '../../data/batches/collate.ts'
import type { MicroBatch, Objective } from '../../learning/gradient_descent.ts'
import type { Prompt } from '../../learning/rollouts.ts'
import { moments } from '../../metrics/moments.ts'
import { deriveSeed } from '../../random.ts'
import type { RewardFunction } from '../../rewards/reward_function.ts'
import type { Feeds, Session, Tensors } from '../../runtime/session.ts'
import { isPaired } from './collate.ts'
import type { NeuroplasticOptions } from './options.ts'
import type { Piece, Sample } from './step.ts'
import { feedsOf, valuesOf, weightsOf } from './step.ts'
import type { Term } from './terms.ts'
import { costsOfOthers, lambdaOf, sampledCosts, SAMPLED_TERMS, TERMS, termWeights } from './terms.ts'
import type { Writer } from './writer.ts'

export interface ObjectiveParts {
  readonly options: NeuroplasticOptions
  readonly seed: number
  /** Steps of the whole run. */
  readonly steps: number
  /** Of the training data, all that leave room for a response. */
  readonly prompts: readonly Prompt[]
  readonly writer: Writer
  readonly reward: RewardFunction | undefined
  readonly training: Session
  /** What the training graph is fed beside the batch. */
  readonly parameters: Tensors
  /** `<tensor>_grad` */
  readonly gradients: readonly string[]
}

/** Mean tokens of what was drawn, under PPO's name. */
function lengthOf(pieces: readonly Piece[]): Record<string, number> {
  const lengths = pieces.flatMap(({ samples }) => samples.map(({ response }) => response.tokens.length))
  return lengths.length === 0 ? {} : { 'tokens/responses_len_mean': moments(lengths).mean }
}

export function neuroplasticObjective(parts: ObjectiveParts): Objective {
  const { options, seed, steps, writer, reward } = parts
  const weights = termWeights(options)
  const sampled = SAMPLED_TERMS.filter((name) => weights[name] > 0)
  const prompts = new Map(parts.prompts.map((prompt) => [prompt.ids.join(), prompt]))
  const promptOf = (example: EncodedExample): Prompt | undefined =>
    prompts.get(example.input_ids.subarray(0, lastLearned(example).start).join())
  /** Those of the step under way. */
  let pieces: Piece[] = []

  /** @param before prompts of the step that stand before these */
  async function write(wanted: readonly Prompt[], step: number, before: number): Promise<Sample[]> {
    const each = options.num_generations
    const repeated = wanted.flatMap((prompt) => Array.from({ length: each }, () => prompt))
    const responses = await writer.draw(repeated, deriveSeed(seed, 'responses', step), before * each)
    const costs = await sampledCosts(responses, options, reward)
    const samples = responses.map((response, i) => ({ response, costs: costs[i]! }))
    if (options.surrogate === 'none') return samples
    const usual =
      each > 1
        ? wanted.flatMap((_, i) => costsOfOthers(costs.slice(i * each, (i + 1) * each)))
        : await sampledCosts(await writer.greedy(wanted), options, reward)
    return samples.map((sample, i) => ({ ...sample, baseline: usual[i]! }))
  }

  async function pieceOf(
    rows: readonly EncodedExample[],
    { all, first, step, total }: MicroBatch,
  ): Promise<Piece> {
    const lambda = lambdaOf(options, step - 1, steps)
    const writes = lambda > 0 && sampled.length > 0
    const prompted = (examples: readonly EncodedExample[]) =>
      writes ? examples.flatMap((example) => promptOf(example) ?? []) : []
    const inStep = prompted(all.flat())
    const before = prompted(all.slice(0, first).flat()).length
    const drawn = inStep.length * options.num_generations
    const referenced = inStep.filter(({ references }) => references.length > 0).length
    const totals = {
      labelled: total,
      paired: all.flat().filter(isPaired).length,
      length: drawn,
      reference: referenced * options.num_generations,
      reward: drawn,
    }
    const samples = await write(prompted(rows), step, before)
    return { rows, samples, totals, weights, lambda }
  }

  /** Of what each term adds to the gradient of the loss. */
  async function gradientNorms(scale: Feeds): Promise<Record<string, number>> {
    const norms: Record<string, number> = {}
    for (const term of TERMS.filter((name) => weights[name] > 0))
      norms[`terms/${term}_grad_norm`] = await gradientNorm(term, scale)
    return norms
  }

  async function gradientNorm(term: Term, scale: Feeds): Promise<number> {
    const sums = new Map<string, Float32Array>()
    for (const piece of pieces) {
      const weighs = Object.values(weightsOf(piece, term)).some(({ data }) => data.some((x) => x !== 0))
      if (!weighs) continue
      const feeds = { ...feedsOf(piece, term), ...parts.parameters, ...scale }
      const outputs = await parts.training.run(feeds, { outputs: parts.gradients })
      for (const name of parts.gradients) {
        const gradient = outputs[name]!.data as Float32Array
        const sum = sums.get(name)
        if (sum) for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!
        else sums.set(name, gradient)
      }
    }
    let squares = 0
    for (const sum of sums.values()) for (const x of sum) squares += x * x
    return Math.sqrt(squares)
  }

  return {
    weight: totalLabelled,
    async feeds(sequences, of) {
      if (of.first === 0) pieces = []
      const piece = await pieceOf(sequences.flat(), of)
      pieces.push(piece)
      return feedsOf(piece)
    },
    loss: (outputs) => valuesOf(pieces, outputs).loss,
    reward: (outputs) => -valuesOf(pieces, outputs).total,
    async metrics(outputs, { step, feeds }) {
      const { crossEntropy, terms, total } = valuesOf(pieces, outputs)
      const values = TERMS.flatMap((name) =>
        terms[name] === undefined ? [] : [[`terms/${name}`, terms[name]] as const],
      )
      return {
        'terms/cross_entropy': crossEntropy,
        ...Object.fromEntries(values),
        'terms/total': total,
        'terms/lambda': pieces[0]!.lambda,
        ...lengthOf(pieces),
        ...(step === 1 || step % options.norm_steps === 0 ? await gradientNorms(scaleOf(feeds)) : {}),
      }
    },
  }
}

/** What gradients are scaled by, where a step was fed that. */
const scaleOf = ([first]: readonly Feeds[]): Feeds =>
  first?.[LOSS_SCALE] ? { [LOSS_SCALE]: first[LOSS_SCALE] } : {}

import { expect } from 'chai'

import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import type { DpoTask } from '../../graphs/tasks/dpo.ts'
import { dpoEvaluationGraph, dpoTrainingGraph } from '../../graphs/tasks/dpo.ts'
import { outputGradients } from '../../graphs/autodiff.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import { tokenNegativeLogLikelihood } from '../../graphs/losses/negative_log_likelihood.ts'
import type { DpoLoss } from '../../graphs/losses/dpo.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { causalAttention, gpt2, lmHead } from '../../graphs/models/gpt2.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { inputParameters } from '../../graphs/models/parameters.ts'
import { gather, gemm } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients } from './check_gradients.ts'
import { largestDifference, numbersOf, relativeDifference } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const config = { ...tiny, n_positions: 8 }
const plain: DpoLoss = { loss_type: 'sigmoid', beta: 0.3, label_smoothing: 0, length_normalised: false }

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')
const float64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'float64')

/** 3 7 → 1 10 or 4 0 10, and 5 → 9 or 2: the second pair is padded. */
const batch: Feeds = {
  input_ids: int64([2, 7], 3, 7, 1, 10, 4, 0, 10, 5, 9, 2, 0, 0, 0, 0),
  attention_mask: int64([2, 7], 1, 1, 2, 2, 3, 3, 3, 1, 2, 3, 0, 0, 0, 0),
  position_ids: int64([2, 7], 0, 1, 2, 3, 2, 3, 4, 0, 1, 1, 0, 0, 0, 0),
  label_positions: int64([7], 1, 2, 1, 4, 5, 7, 7),
  labels: int64([7], 1, 10, 4, 0, 10, 9, 2),
  label_answers: int64([7], 0, 0, 1, 1, 1, 2, 3),
}
const reference_logps = float64([2, 2], -4.1, -7.3, -2.2, -3)
const pair_weights = float64([2], 0.6, 0.3)

/** The same answers as rows of their own, each after its prompt, under the causal mask. */
const rows: Feeds = {
  input_ids: int64([4, 5], 3, 7, 1, 10, 0, 3, 7, 4, 0, 10, 5, 9, 0, 0, 0, 5, 2, 0, 0, 0),
  attention_mask: int64([4, 5], 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0),
  position_ids: int64([4, 5], 0, 1, 2, 3, 0, 0, 1, 2, 3, 4, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0),
  label_positions: int64([7], 1, 2, 6, 7, 8, 10, 15),
  labels: batch['labels']!,
}

const weights = weightFeeds(gpt2ParameterShapes(config), 'float64')
const loraWeights = {
  ...weightFeeds(loraParameterShapes(gpt2ParameterShapes(config), adapters), 'float64'),
  lora_scale: float64([], 2),
}

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(serialize(graph))
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

const losses: DpoLoss[] = [
  plain,
  { ...plain, label_smoothing: 0.2 },
  { ...plain, length_normalised: true, label_smoothing: 0.1 },
  { ...plain, rpo_alpha: 0.7 },
  { ...plain, loss_type: 'hinge' },
  { ...plain, loss_type: 'ipo', beta: 0.1 },
  { ...plain, loss_type: 'robust', label_smoothing: 0.15 },
]
const title = ({ loss_type, label_smoothing, length_normalised, rpo_alpha }: DpoLoss): string =>
  [
    loss_type,
    ...(label_smoothing ? [`smoothing ${label_smoothing}`] : []),
    ...(length_normalised ? ['per token'] : []),
    ...(rpo_alpha ? ['with the likelihood of the chosen answer'] : []),
  ].join(', ')

describe('DPO gradients in float64', function () {
  this.slow(5000)
  for (const dpo of losses) {
    it(`full, ${title(dpo)}`, async () => {
      const graph = dpoTrainingGraph({ config, dtype: 'float64', dpo })
      const feeds = { ...batch, reference_logps, pair_weights, ...weights }
      expect(graph.inputs.map(({ name }) => name)).to.deep.equal(Object.keys(feeds))
      const { worst } = await checkGradients(graph, feeds, { elements: 6 })
      expect(worst).to.be.greaterThan(0)
    })
  }

  it('LoRA', async () => {
    const graph = dpoTrainingGraph({ config, lora: adapters, dtype: 'float64', dpo: plain })
    const feeds = { ...batch, reference_logps, pair_weights, ...weights, ...loraWeights }
    await checkGradients(graph, feeds, { elements: 6 })
  })

  it('LoRA and a head of its own', async () => {
    const untied = { ...config, tie_word_embeddings: false }
    const graph = dpoTrainingGraph({ config: untied, lora: adapters, dtype: 'float64', dpo: plain })
    const own = { ...weightFeeds(gpt2ParameterShapes(untied), 'float64'), ...loraWeights }
    await checkGradients(graph, { ...batch, reference_logps, pair_weights, ...own }, { elements: 6 })
  })
})

describe('a pair as one sequence', () => {
  /** The rows' nll and logits, and the gradients of Σ factors·nll: those of any loss of the answers, by its slopes. */
  function rowGraph(): Graph {
    const graph = new Graph('rows')
    const input = (name: string) => graph.input(name, 'int64', ['batch', 'sequence'])
    const [inputIds, attentionMask, positionIds] = [
      input('input_ids'),
      input('attention_mask'),
      input('position_ids'),
    ]
    const positions = graph.input('label_positions', 'int64', ['labelled'])
    const labels = graph.input('labels', 'int64', ['labelled'])
    const factors = graph.input('factors', 'float64', ['labelled'])
    const shapes = languageModelTrainable({ config })
    const parameters = inputParameters(graph, shapes, 'float64')
    const hidden = gpt2(
      config,
      parameters,
      () => undefined,
      causalAttention(config, attentionMask, 'float64'),
      {
        input_ids: inputIds,
        position_ids: positionIds,
      },
    )
    const [predicting, head] = [gather(hidden, positions), lmHead(config, parameters)]
    const nll = tokenNegativeLogLikelihood(predicting, head, labels)
    graph.output('nll', nll)
    graph.output('logits', gemm(predicting, head, { transB: true }))
    const wanted = graph.inputs.filter(({ name }) => shapes.has(name))
    outputGradients(weightedSum(nll, factors), wanted)
    return graph
  }

  it('has the log-probabilities and the gradients of two rows, prompt and answer each', async () => {
    const task: DpoTask = { config, dtype: 'float64', dpo: plain }
    const got = await run(dpoTrainingGraph(task), { ...batch, reference_logps, pair_weights, ...weights })
    const answers = numbersOf({ answers: batch['label_answers']! })['answers']!

    const zeros = float64([7], 0, 0, 0, 0, 0, 0, 0)
    const { nll } = await run(rowGraph(), { ...rows, factors: zeros, ...weights })
    const logps = [0, 1, 2, 3].map((answer) =>
      nll!.reduce((sum, value, i) => (answers[i] === answer ? sum - value : sum), 0),
    )
    expect(largestDifference(got['logps']!, logps)).to.be.at.most(1e-10)

    // ∂(−w·log σ(βΔ))/∂logp = ∓w·β·σ(−βΔ), chosen and rejected
    const ratios = logps.map((logp, i) => logp - Number(reference_logps.data[i]))
    const factors = answers.map((answer) => {
      const pair = Math.floor(answer / 2)
      const x = plain.beta * (ratios[2 * pair]! - ratios[2 * pair + 1]!)
      const slope = (Number(pair_weights.data[pair]) * plain.beta) / (1 + Math.exp(x))
      return answer % 2 === 0 ? slope : -slope
    })
    const expected = await run(rowGraph(), { ...rows, factors: float64([7], ...factors), ...weights })
    for (const name of gpt2ParameterShapes(config).keys())
      expect(relativeDifference(got[`${name}_grad`]!, expected[`${name}_grad`]!), name).to.be.at.most(1e-10)
    const loss = [0, 1].reduce(
      (sum, pair) =>
        sum +
        Number(pair_weights.data[pair]) *
          Math.log1p(Math.exp(-plain.beta * (ratios[2 * pair]! - ratios[2 * pair + 1]!))),
      0,
    )
    expect(got['loss']![0]).to.be.closeTo(loss, 1e-10)
    expect(
      largestDifference(
        got['rewards']!,
        ratios.map((ratio) => plain.beta * ratio),
      ),
    ).to.be.at.most(1e-10)
  })

  it('gives each answer its own numbers whatever the other is, and whichever comes first', async () => {
    const graph = dpoEvaluationGraph({ config, dtype: 'float64', dpo: plain })
    const fed: Feeds = { ...batch, reference_logps, pair_weights, ...weights }
    const before = await run(graph, fed)
    const ids = (fed['input_ids']!.data as BigInt64Array).slice()
    const labels = (fed['labels']!.data as BigInt64Array).slice()
    ids[4] = 8n // the first token of the first pair's rejected answer
    labels[2] = 8n
    const after = await run(graph, {
      ...fed,
      input_ids: { ...fed['input_ids']!, data: ids },
      labels: { ...fed['labels']!, data: labels },
    })
    expect(after['logps']![0]).to.equal(before['logps']![0])
    expect(after['logps']![1]).to.not.be.closeTo(before['logps']![1]!, 1e-3)

    const swapped = await run(graph, {
      ...fed,
      input_ids: int64([2, 7], 3, 7, 4, 0, 10, 1, 10, 5, 2, 9, 0, 0, 0, 0),
      attention_mask: int64([2, 7], 1, 1, 2, 2, 2, 3, 3, 1, 2, 3, 0, 0, 0, 0),
      position_ids: int64([2, 7], 0, 1, 2, 3, 4, 2, 3, 0, 1, 1, 0, 0, 0, 0),
      label_positions: int64([7], 1, 2, 3, 1, 5, 7, 7),
      labels: int64([7], 4, 0, 10, 1, 10, 2, 9),
      label_answers: int64([7], 0, 0, 0, 1, 1, 2, 3),
    })
    const [a, b, c, d] = before['logps']!
    expect(largestDifference(swapped['logps']!, [b!, a!, d!, c!])).to.be.at.most(1e-12)
  })

  it("has the mean of the logits over an answer's tokens and the vocabulary", async () => {
    const graph = dpoEvaluationGraph({ config, dtype: 'float64', dpo: plain })
    const got = await run(graph, { ...batch, reference_logps, pair_weights, ...weights })
    const factors = float64([7], 0, 0, 0, 0, 0, 0, 0)
    const { logits } = await run(rowGraph(), { ...rows, factors, ...weights })
    const answers = numbersOf({ answers: batch['label_answers']! })['answers']!
    const means = [0, 1, 2, 3].map((answer) => {
      const own = logits!.filter((_, i) => answers[Math.floor(i / config.vocab_size)] === answer)
      return own.reduce((sum, logit) => sum + logit, 0) / own.length
    })
    expect(largestDifference(got['logits']!, means)).to.be.at.most(1e-10)
  })

  it('learns nothing from a pair of twins', async () => {
    const graph = dpoTrainingGraph({ config, dtype: 'float64', dpo: plain })
    const got = await run(graph, {
      input_ids: int64([1, 6], 3, 7, 1, 0, 1, 0),
      attention_mask: int64([1, 6], 1, 1, 2, 2, 3, 3),
      position_ids: int64([1, 6], 0, 1, 2, 3, 2, 3),
      label_positions: int64([4], 1, 2, 1, 4),
      labels: int64([4], 1, 0, 1, 0),
      label_answers: int64([4], 0, 0, 1, 1),
      reference_logps: float64([1, 2], -3, -3),
      pair_weights: float64([1], 1),
      ...weights,
    })
    expect(got['loss']![0]).to.be.closeTo(Math.LN2, 1e-12)
    for (const name of languageModelTrainable({ config }).keys())
      expect(Math.max(...got[`${name}_grad`]!.map(Math.abs)), name).to.be.at.most(1e-12)
  })

  it('counts an empty answer as certain, with a log-probability of 0', async () => {
    const graph = dpoEvaluationGraph({ config, dtype: 'float64', dpo: { ...plain, length_normalised: true } })
    const fed = {
      ...batch,
      label_positions: int64([5], 2, 1, 4, 5, 7),
      labels: int64([5], 10, 4, 0, 10, 2),
      label_answers: int64([5], 0, 1, 1, 1, 3),
    }
    const { loss, logps, logits } = await run(graph, { ...fed, reference_logps, pair_weights, ...weights })
    expect(logps![2]).to.equal(0)
    expect(logits![2]).to.equal(0)
    expect(loss![0]).to.be.finite
  })
})

describe('DPO graphs', () => {
  const stored = new Map(
    [...gpt2ParameterShapes(config).keys()].map((name) => [name, { location: 'w', offset: 0, length: 4 }]),
  )
  const task: DpoTask = { config, lora: adapters, stored, dpo: plain }

  it('take and give what the artifact promises, in order', () => {
    const trained = [...languageModelTrainable(task).keys()]
    const inputs = [...Object.keys(batch), 'reference_logps', 'pair_weights', ...trained, 'lora_scale']
    const outputs = ['loss', 'logps', 'rewards', 'logits']
    for (const graph of [dpoTrainingGraph(task), dpoEvaluationGraph(task)]) {
      expect(graph.inputs.map(({ name }) => name)).to.deep.equal(inputs)
      const shapes = outputs.slice(1).map((name) => graph.outputs.get(name)!.shape)
      expect(shapes).to.deep.equal([
        ['pairs', 2],
        ['pairs', 2],
        ['pairs', 2],
      ])
    }
    expect([...dpoTrainingGraph(task).outputs.keys()]).to.deep.equal([
      ...outputs,
      ...trained.map((name) => `${name}_grad`),
    ])
    expect([...dpoEvaluationGraph(task).outputs.keys()]).to.deep.equal(outputs)
  })

  it('have the shapes that were inferred, forward and backward', async () => {
    const graph = dpoTrainingGraph({ config, lora: adapters, dtype: 'float64', dpo: plain })
    const values = liveNodes(graph).flatMap((node) => node.outputs)
    values.forEach((value, i) => graph.output(`value_${i}`, value))
    const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
    const got = await session.run({ ...batch, reference_logps, pair_weights, ...weights, ...loraWeights })
    await session.release()
    const dims = { pairs: 2, sequence: 7, labelled: 7 }
    values.forEach((value, i) => {
      const { dtype, dims: found } = got[`value_${i}`]!
      expect([dtype, ...found], value.name).to.deep.equal([
        value.dtype,
        ...value.shape.map((dim) => evaluateDim(dim, dims)),
      ])
    })
  })
})

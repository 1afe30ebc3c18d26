/**
 * What tests ask of every task that learns from pairs without a reference.
 * @module
 */
import { expect } from 'chai'

import type { Graph } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import type { PairModel } from '../../graphs/tasks/pairs.ts'
import type { LikelihoodOf } from '../../src/data/batches/collate_likelihoods.ts'
import { collateLikelihoods, totalOfPairs } from '../../src/data/batches/collate_likelihoods.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import type { ReferenceFree } from '../../src/tasks/reference_free.ts'
import { referenceFreeMetrics } from '../../src/tasks/reference_free.ts'
import { pairOf } from '../data/pairs.ts'
import { checkGradients } from './check_gradients.ts'
import type { FixtureModel } from './gpt2_fixtures.ts'
import { fixtureModel, largestDifference, numbersOf, otherPads } from './gpt2_fixtures.ts'
import type { FixtureAdapter } from './preference_fixtures.ts'
import {
  expectGradients,
  pairSequences,
  readFixtureAdapter,
  readPairs,
  readPreferenceFixture,
} from './preference_fixtures.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

/** A task, and the graphs of a model with options of its own. */
export interface Case<Options extends object> {
  readonly name: string
  readonly learns: ReferenceFree<string>
  readonly training: (model: PairModel, options: Options) => Graph
  readonly evaluation: (model: PairModel, options: Options) => Graph
}

const config = { ...tiny, n_positions: 8 }

/** 3 7 → 1 10 or 4 0 10, and 5 → 9 or 2: the second pair is padded. */
const pairs = [pairOf([3, 7], [1, 10], [4, 0, 10]), pairOf([5], [9], [2])]

function tinyBatch(of: LikelihoodOf): Feeds {
  const feeds = collateLikelihoods(pairs, totalOfPairs(pairs, of), of)
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, dims, data }]) => [
      name,
      dtype === 'float32' ? toHost(constant([...dims], Array.from(data, Number)), 'float64') : feeds[name]!,
    ]),
  )
}

/** Gradients against differences, by title; and what the graphs take and give. */
export function describeGraphs<Options extends object>(
  { name, learns, training, evaluation }: Case<Options>,
  options: Readonly<Record<string, Options>>,
): void {
  const batch = tinyBatch(learns.likelihoodOf)
  const weights = weightFeeds(gpt2ParameterShapes(config), 'float64')
  const loraWeights = {
    ...weightFeeds(loraParameterShapes(gpt2ParameterShapes(config), adapters), 'float64'),
    lora_scale: toHost(constant([], [2]), 'float64'),
  }
  const first = Object.values(options)[0]!

  describe(`${name} gradients in float64`, function () {
    this.slow(5000)
    for (const [title, given] of Object.entries(options)) {
      it(`full, ${title}`, async () => {
        const graph = training({ config, dtype: 'float64' }, given)
        const feeds = { ...batch, ...weights }
        expect(graph.inputs.map((input) => input.name)).to.deep.equal(Object.keys(feeds))
        await checkGradients(graph, feeds, { elements: 6 })
      })
    }

    it('LoRA', async () => {
      const graph = training({ config, lora: adapters, dtype: 'float64' }, first)
      await checkGradients(graph, { ...batch, ...weights, ...loraWeights }, { elements: 6 })
    })
  })

  describe(`${name} graphs`, () => {
    it('take and give what the artifact promises, in order', () => {
      const location = { location: 'w', offset: 0, length: 4 }
      const stored = new Map([...gpt2ParameterShapes(config).keys()].map((key) => [key, location]))
      const model = { config, lora: adapters, stored }
      const trained = [...languageModelTrainable(model).keys()]
      const outputs = ['loss', 'logps', 'rewards', 'nll_loss', ...learns.perPair]
      for (const graph of [training(model, first), evaluation(model, first)]) {
        const inputs = graph.inputs.map((input) => input.name)
        expect(inputs).to.deep.equal([...Object.keys(batch), ...trained, 'lora_scale'])
        const shapes = outputs.map((output) => graph.outputs.get(output)!.shape)
        const perAnswer = ['pairs', 2]
        const expected = [[], perAnswer, perAnswer, [], ...learns.perPair.map(() => ['pairs'])]
        expect(shapes).to.deep.equal(expected)
      }
      expect([...training(model, first).outputs.keys()]).to.deep.equal([
        ...outputs,
        ...trained.map((tensor) => `${tensor}_grad`),
      ])
      expect([...evaluation(model, first).outputs.keys()]).to.deep.equal(outputs)
    })

    it('have the shapes that were inferred, forward and backward', async () => {
      const graph = training({ config, lora: adapters, dtype: 'float64' }, first)
      const values = liveNodes(graph).flatMap((node) => node.outputs)
      values.forEach((value, i) => graph.output(`value_${i}`, value))
      const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
      const got = await session.run({ ...batch, ...weights, ...loraWeights })
      await session.release()
      const [rows, sequence] = batch['input_ids']!.dims as [number, number]
      const dims = { pairs: rows, sequence, labelled: batch['labels']!.dims[0]! }
      values.forEach((value, i) => {
        const { dtype, dims: found } = got[`value_${i}`]!
        expect([dtype, ...found], value.name).to.deep.equal([
          value.dtype,
          ...value.shape.map((dim) => evaluateDim(dim, dims)),
        ])
      })
    })
  })
}

interface Answer {
  readonly tokens: number
  readonly logps: number
}

interface Losses {
  readonly answers: readonly { readonly chosen: Answer; readonly rejected: Answer }[]
  readonly losses: Readonly<
    Record<string, { readonly loss: number; readonly metrics: Readonly<Record<string, number>> }>
  >
}

/**
 * Losses, metrics and gradients against TRL's.
 *
 * @param variants names of the fixture's losses
 * @param unlike metrics of a variant that TRL has in another way
 */
export function describeAgainstTrl<Options extends object>(
  { name, learns, training, evaluation }: Case<Options>,
  variants: readonly string[],
  unlike: (options: Options) => readonly string[] = () => [],
): void {
  describe(`${name} against TRL`, () => {
    let model: FixtureModel
    let adapter: FixtureAdapter
    let expected: Losses
    let batch: Feeds
    before(async () => {
      model = await fixtureModel()
      adapter = await readFixtureAdapter(name, 'adapter')
      expected = await readPreferenceFixture(name, 'losses.json')
      const given = pairSequences((await readPairs()).slice(0, expected.answers.length))
      batch = collateLikelihoods(given, totalOfPairs(given, learns.likelihoodOf), learns.likelihoodOf)
    })

    const task = () => ({ config: model.config, stored: model.stored, lora: adapter.lora })
    const optionsOf = (variant: string) =>
      (expected.losses[variant] as unknown as Record<string, Options>)[name]!

    async function run(graph: Graph, feeds: Feeds = batch) {
      const session = await model.open(graph)
      const outputs = await session.run({ ...feeds, ...adapter.feeds })
      await session.release()
      return { outputs, numbers: numbersOf(outputs) }
    }

    it('has the mean log-probability of every answer', async () => {
      const { numbers } = await run(evaluation(task(), optionsOf(variants[0]!)))
      const means = expected.answers.flatMap(({ chosen, rejected }) =>
        [chosen, rejected].map(({ logps, tokens }) => logps / tokens),
      )
      expect(largestDifference(numbers['logps']!, means)).to.be.at.most(1e-5)
    })

    for (const variant of variants) {
      it(`has the loss, the metrics and every gradient, ${variant}`, async () => {
        const options = optionsOf(variant)
        const { loss, metrics } = expected.losses[variant]!
        const { outputs, numbers } = await run(training(task(), options))
        expect(numbers['loss']![0]).to.be.closeTo(loss, 1e-5)
        const found: Readonly<Record<string, number>> = referenceFreeMetrics([outputs], learns)
        expect(found).to.have.all.keys(Object.keys(metrics))
        for (const [metric, wanted] of Object.entries(metrics))
          if (!unlike(options).includes(metric)) expect(found[metric], metric).to.be.closeTo(wanted, 1e-5)
        await expectGradients(numbers, name, 'gradients', `${variant}.safetensors`)
      })
    }

    it('has no use for pads: other ids there change neither loss nor any gradient', async () => {
      const changed = otherPads(batch, model.config.vocab_size)
      expect(changed['input_ids']!.data).to.not.deep.equal(batch['input_ids']!.data)
      const graph = training(task(), optionsOf(variants[0]!))
      const [before, after] = [await run(graph), await run(graph, changed)]
      for (const [output, values] of Object.entries(before.numbers))
        expect(largestDifference(after.numbers[output]!, values), output).to.equal(0)
    })
  })
}

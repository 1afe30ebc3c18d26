import { expect } from 'chai'

import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import type { EquivalenceTask } from '../../graphs/tasks/equivalence.ts'
import { equivalenceEvaluationGraph, equivalenceTrainingGraph } from '../../graphs/tasks/equivalence.ts'
import { decodingGraph, inferenceGraph } from '../../graphs/inference/generation.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { declareModel } from '../../graphs/models/adaptation.ts'
import { causalAttention, gpt2, gpt2Parts } from '../../graphs/models/gpt2.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import type { FixtureBatch, FixtureModel } from './gpt2_fixtures.ts'
import {
  fixtureModel,
  inferenceFeeds,
  largestDifference,
  numbersOf,
  otherPads,
  relativeDifference,
  trainingFeeds,
} from './gpt2_fixtures.ts'
import type { NptFixtures, NptSetting, Phase1 } from './npt_fixtures.ts'
import {
  equivalenceFeeds,
  NPT_MODES,
  NPT_SETTINGS,
  nptFixtures,
  plasticFeeds,
  readNptTensors,
  realRows,
  rowsOf,
} from './npt_fixtures.ts'

describe('NPT against PyTorch', () => {
  let model: FixtureModel
  let fixtures: NptFixtures
  before(async () => {
    model = await fixtureModel()
    fixtures = await nptFixtures()
  })

  const feedsOf = ({ blocks }: NptSetting): Feeds => plasticFeeds(fixtures.plastic, blocks)
  const taskOf = ({ npt }: NptSetting, mode: string): EquivalenceTask => ({
    ...model,
    ...fixtures.weights,
    ...fixtures.modes[mode]!,
    npt,
  })
  const run = async (graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> => {
    const session = await model.open(graph)
    const outputs = await session.run(feeds)
    await session.release()
    return numbersOf(outputs)
  }
  const logits = (npt: NptConfig | null, plastic: Feeds): Promise<number[]> => {
    const fed = { ...inferenceFeeds(fixtures.batch, model.config), ...plastic }
    return run(inferenceGraph({ ...model, npt }), fed).then((outputs) => outputs['logits']!)
  }

  /** The final hidden states, and the output of each converted block for `hidden` [batch*sequence, n_embd]. */
  function hiddenGraph({ npt, blocks }: NptSetting): Graph {
    const { config, stored } = model
    const graph = new Graph('hidden')
    const [input_ids, mask, position_ids] = ['input_ids', 'attention_mask', 'position_ids'].map((name) =>
      graph.input(name, 'int64', ['batch', 'sequence']),
    )
    const hidden = graph.input('hidden', 'float32', ['batch*sequence', config.n_embd])
    const shapes = gpt2ParameterShapes(config)
    const tokens = { input_ids: input_ids!, position_ids: position_ids! }
    const declared = declareModel(
      graph,
      { config, shapes, lora: 'none', npt },
      { ...tokens, attention_mask: mask! },
      stored,
    )
    const { parameters, adapters, plastic } = declared
    const attend = causalAttention(config, mask!, 'float32')
    graph.output('final_hidden', gpt2(config, parameters, adapters, attend, tokens, plastic))
    const { attention, mlp } = gpt2Parts(config, parameters, adapters, attend, tokens)
    for (const layer of blocks) {
      const output = mlp(hidden, attention(hidden, layer), layer, plastic(layer))
      graph.output(`block_output.${layer}`, output)
    }
    return graph
  }

  function expectGradients(
    got: Record<string, number[]>,
    expected: Map<string, { data: Float32Array }>,
    of: string,
  ) {
    const stored = [...expected].filter(([name]) => name.startsWith(`${of}.`) && name.endsWith('_grad'))
    const given = Object.keys(got).filter((name) => name.endsWith('_grad'))
    expect(given.map((name) => `${of}.${name}`).sort()).to.deep.equal(stored.map(([name]) => name).sort())
    for (const [name, { data }] of stored)
      expect(relativeDifference(got[name.slice(of.length + 1)]!, data), name).to.be.at.most(1e-5)
  }

  function expectTerms(got: Record<string, number[]>, { loss, ...terms }: Partial<Phase1>) {
    expect(got['loss']![0]).to.be.closeTo(loss!, 5e-6)
    for (const [name, values] of Object.entries(terms)) {
      expect(got[name]!.length, name).to.equal(values.length)
      expect(largestDifference(got[name]!, values), name).to.be.at.most(5e-6)
    }
  }

  for (const name of NPT_SETTINGS) {
    it(`has the outputs of blocks and model, ${name}`, async () => {
      const { batch, settings } = fixtures
      const expected = await readNptTensors(name)
      const hidden = (await readNptTensors('hidden')).get('hidden')!
      const { input_ids, attention_mask, position_ids } = trainingFeeds(batch) as Record<string, HostTensor>
      const got = await run(hiddenGraph(settings[name]!), {
        ...{ input_ids: input_ids!, attention_mask: attention_mask!, position_ids: position_ids! },
        ...feedsOf(settings[name]!),
        hidden: { dtype: 'float32', dims: [30, 24], data: hidden.data },
      })
      const stored = [...expected].filter(([key]) => Object.hasOwn(got, key))
      expect(stored.length).to.equal(name.endsWith('both') ? 3 : 1)
      for (const [key, { data }] of stored)
        expect(largestDifference(data, realRows(got[key]!, batch)), key).to.be.at.most(1e-5)
      const whole = expected.get('logits')
      if (!whole) return
      const found = realRows(await logits(settings[name]!.npt, feedsOf(settings[name]!)), batch)
      expect(largestDifference(whole.data, found)).to.be.at.most(1e-5)
    })

    for (const mode of NPT_MODES) {
      it(`has the loss of phase 1, its terms and every gradient, ${name}, ${mode}`, async () => {
        const setting = fixtures.settings[name]!
        const expected = await readNptTensors(name)
        const feeds = { ...equivalenceFeeds(fixtures), ...feedsOf(setting) }
        const trained = await run(equivalenceTrainingGraph(taskOf(setting, mode)), feeds)
        const { cosine, ...terms } = setting.phase1[mode]!
        expectTerms(trained, terms)
        expect(Object.hasOwn(trained, 'distillation')).to.equal(mode === 'distilled')
        expectGradients(trained, expected, mode)

        const evaluated = await run(equivalenceEvaluationGraph(taskOf(setting, mode)), feeds)
        expectTerms(evaluated, { ...terms, cosine })
        const norms = expected.get(`${mode === 'distilled' ? 'student' : mode}.update_norms`)!
        const tokens = fixtures.batch.input_ids.flat().length
        const found = setting.blocks.flatMap((_, i) =>
          realRows(evaluated['update_norms']!.slice(i * tokens, (i + 1) * tokens), fixtures.batch),
        )
        expect(found.length).to.equal(norms.data.length)
        expect(relativeDifference(found, norms.data)).to.be.at.most(1e-5)
      })
    }

    it(`has the loss of phase 2 and every gradient, ${name}`, async () => {
      const setting = fixtures.settings[name]!
      const graph = sftTrainingGraph({ ...model, lora: 'none', npt: setting.npt })
      const got = await run(graph, { ...trainingFeeds(fixtures.batch), ...feedsOf(setting) })
      expect(got['loss']![0]).to.be.closeTo(setting.causal_loss, 1e-5)
      expectGradients(got, await readNptTensors(name), 'causal')
    })
  }

  it('is the base model bit for bit where A or B is zero and attention stays in the residual', async () => {
    const base = await logits(null, {})
    const setting = fixtures.settings['residual_both']!
    for (const part of ['A', 'B']) {
      const zero = Object.entries(feedsOf(setting)).map(([name, tensor]) => {
        const data = new Float32Array(tensor.data as Float32Array)
        return [name, { ...tensor, data: name.endsWith(part) ? data.fill(0) : data }] as const
      })
      expect(await logits(setting.npt, Object.fromEntries(zero)), `${part} = 0`).to.deep.equal(base)
    }
    expect(await logits(setting.npt, feedsOf(setting))).to.not.deep.equal(base)
    // As published even ΔW = 0 is another model: what attention says does not reach the residual.
    const published = fixtures.settings['published_both']!
    const zero = Object.entries(feedsOf(published)).map(
      ([name, tensor]) => [name, { ...tensor, data: new Float32Array(tensor.data.length) }] as const,
    )
    const without = await logits(published.npt, Object.fromEntries(zero))
    expect(largestDifference(without, base)).to.be.greaterThan(0.1)
  })

  it('has no use for pads: other ids there change neither loss nor term nor gradient', async () => {
    const setting = fixtures.settings['published_both']!
    const feeds = { ...equivalenceFeeds(fixtures), ...feedsOf(setting) }
    const changed = otherPads(feeds, model.config.vocab_size)
    expect(changed['input_ids']!.data).to.not.deep.equal(feeds.input_ids!.data)
    for (const mode of NPT_MODES) {
      const graph = () => equivalenceTrainingGraph(taskOf(setting, mode))
      const [before, after] = [await run(graph(), feeds), await run(graph(), changed)]
      expect(after, mode).to.deep.equal(before)
    }
  })

  it('adds up: terms and gradients of micro-batches, each at its own width, make those of the batch', async () => {
    const setting = fixtures.settings['residual_both']!
    const real = fixtures.batch.attention_mask.flat().filter((mask) => mask === 1).length
    const { token_weights, ...batch } = equivalenceFeeds(fixtures)
    const mask = batch['attention_mask']!.data as BigInt64Array
    const even = { ...token_weights!, data: Float32Array.from(mask, (one) => Number(one) / real) }
    const feeds = { ...batch, token_weights: even }
    const cuts = [
      [0, 1, 10],
      [1, 3, 7],
    ] as const
    for (const mode of NPT_MODES) {
      const session = await model.open(equivalenceTrainingGraph(taskOf(setting, mode)))
      const whole = numbersOf(await session.run({ ...feeds, ...feedsOf(setting) }))
      const sums: Record<string, number[]> = {}
      for (const [from, to, width] of cuts) {
        const part = narrowed(rowsOf(feeds, from, to), width)
        for (const [name, values] of Object.entries(
          numbersOf(await session.run({ ...part, ...feedsOf(setting) })),
        ))
          sums[name] = values.map((value, i) => value + (sums[name]?.[i] ?? 0))
      }
      await session.release()
      expect(Object.keys(sums)).to.deep.equal(Object.keys(whole))
      for (const [name, values] of Object.entries(whole))
        expect(relativeDifference(sums[name]!, values), `${mode}: ${name}`).to.be.at.most(2e-6)
    }
  })

  for (const name of ['published_both', 'residual_upper']) {
    it(`gives the same logits when a sequence comes piece by piece through a cache, ${name}`, async () => {
      const { npt } = fixtures.settings[name]!
      const plastic = feedsOf(fixtures.settings[name]!)
      const row = rowOf(fixtures.batch)
      const whole = (await logits(npt, plastic)).slice(0, 10 * 97)
      const inference = await model.open(inferenceGraph({ ...model, npt }))
      const decoding = await model.open(decodingGraph({ ...model, npt }))
      const pieces = [
        [0, 4],
        [4, 5],
        [5, 10],
      ] as const
      let past: Feeds = {}
      for (const [from, to] of pieces) {
        const feeds = { ...inferenceFeeds(row(from, to), model.config), ...past, ...plastic }
        const positions = BigInt64Array.from({ length: to - from }, (_, t) => BigInt(t))
        const logits_positions: HostTensor = { dtype: 'int64', dims: [to - from], data: positions }
        const grown = await inference.run(feeds)
        const kept = await decoding.run({ ...feeds, logits_positions })
        const expected = whole.slice(from * 97, to * 97)
        for (const { logits: got } of [grown, kept])
          expect(largestDifference(expected, got!.data as Float32Array), `${from} to ${to}`).to.be.at.most(
            1e-5,
          )
        past = Object.fromEntries(
          Object.entries(grown).flatMap(([key, tensor]) =>
            key.startsWith('present') ? [[key.replace('present', 'past_key_values'), tensor]] : [],
          ),
        )
      }
      await inference.release()
      await decoding.release()
    })
  }
})

/** The first row's tokens from one position to another, after a cache of those before. */
const rowOf =
  ({ input_ids, attention_mask, position_ids }: FixtureBatch) =>
  (from: number, to: number): FixtureBatch => ({
    input_ids: [input_ids[0]!.slice(from, to)],
    position_ids: [position_ids[0]!.slice(from, to)],
    attention_mask: [attention_mask[0]!.slice(0, to)],
    labels: [],
  })

/** The first `width` columns of a batch's matrices. */
const narrowed = (feeds: Feeds, width: number): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, dims, data }]) => {
      const kept = (data as Float32Array).filter((_, i) => i % dims[1]! < width)
      return [name, { dtype, dims: [dims[0]!, width], data: kept }]
    }),
  )

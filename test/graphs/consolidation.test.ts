import { expect } from 'chai'

import { sftEvaluationGraph } from '../../graphs/tasks/sft.ts'
import type { ConsolidationTask } from '../../graphs/tasks/consolidation.ts'
import {
  consolidationEvaluationGraph,
  consolidationTrainingGraph,
  plasticGraph,
} from '../../graphs/tasks/consolidation.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import { checkGradients } from './check_gradients.ts'
import { withFloat64Erf } from './float64_erf.ts'
import { largestDifference, numbersOf, otherPads } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'
import { tiny, weightFeeds } from './tiny_gpt2.ts'

/** Three layers, so that a block that is not converted lies between two that are. */
const config = { ...tiny, n_layer: 3 }
const LAYERS = [0, 2]
const npt = {
  rank: 3,
  modulation_scale: 0.7,
  init_scale: 1,
  layers: LAYERS,
  attention_residual: true,
}
const task: ConsolidationTask = { config, npt, damage_weight: 0.6, stored: undefined, dtype: 'float64' }

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')
const float64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'float64')

/** Three texts, of five tokens, three and four, with pads after them. */
const tokens: Feeds = {
  input_ids: int64([3, 5], 3, 7, 3, 10, 0, 5, 1, 9, 0, 0, 2, 8, 6, 4, 0),
  attention_mask: int64([3, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0),
  position_ids: int64([3, 5], 0, 1, 2, 3, 4, 0, 1, 2, 0, 0, 0, 1, 2, 3, 0),
}
const context: Feeds = {
  ...tokens,
  fold_weights: float64([3, 5], 0.1, 0.3, 0.2, 0.3, 0.1, 0.5, 0.2, 0.3, 0, 0, 0, 0, 0, 1, 0),
}
/** Of which text each labelled position is, and which text changes the model that is not to be damaged. */
const TEXT_OF = [0, 0, 1, 1, 2]
const OTHERS = [1, 2, 0]
const LABELS = [3, 0, 1, 9, 4]
const WEIGHTS = [0.2, 0.3, 0.1, 0.25, 0.15]
const POSITIONS = [1, 3, 5, 6, 12]
const batch: Feeds = {
  ...context,
  label_positions: int64([5], ...POSITIONS),
  labels: int64([5], ...LABELS),
  label_weights: float64([5], ...WEIGHTS),
  others: int64([3], ...OTHERS),
}
const base = weightFeeds(gpt2ParameterShapes(config), 'float64')
const plastic = weightFeeds(nptShapes(config, npt), 'float64')

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(withFloat64Erf(serialize(graph)), { threads: 1 })
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

const numbers = ({ data }: HostTensor): number[] => Array.from(data, Number)
const weighted = (values: readonly number[]): number =>
  values.reduce((sum, value, i) => sum + WEIGHTS[i]! * value, 0)

/** The base model's weights with A·diag(m̄)·B of one text added to c_fc: the matrix itself. */
function folded(modulations: readonly number[], text: number): Feeds {
  const { rank } = npt
  const changed: Record<string, HostTensor> = { ...base }
  LAYERS.forEach((layer, block) => {
    const name = `transformer.h.${layer}.mlp.c_fc`
    const weight = base[`${name}.weight`]!
    const [inputs, outputs] = weight.dims as [number, number]
    const [A, B] = ['A', 'B'].map((part) => numbers(plastic[`${name}.npt_${part}`]!)) as [number[], number[]]
    const m = modulations.slice((block * 3 + text) * rank, (block * 3 + text + 1) * rank)
    const data = numbers(weight).map((value, at) => {
      const [i, o] = [Math.floor(at / outputs), at % outputs]
      return m.reduce((sum, mk, k) => sum + A[i * rank + k]! * mk * B[k * outputs + o]!, value)
    })
    changed[`${name}.weight`] = float64([inputs, outputs], ...data)
  })
  return changed
}

/** log p of every token of the vocabulary at each labelled position. */
async function logProbabilities(parameters: Feeds): Promise<number[][]> {
  const { vocab_size: size } = config
  const everyLabel = POSITIONS.flatMap((position) => Array.from({ length: size }, (_, id) => [position, id]))
  const { nll } = await run(sftEvaluationGraph({ config, lora: 'full', dtype: 'float64' }), {
    ...tokens,
    label_positions: int64([everyLabel.length], ...everyLabel.map(([position]) => position!)),
    labels: int64([everyLabel.length], ...everyLabel.map(([, id]) => id!)),
    label_weights: float64([everyLabel.length], ...everyLabel.map(() => 1)),
    ...parameters,
  })
  return POSITIONS.map((_, i) => nll!.slice(i * size, (i + 1) * size).map((value) => -value))
}

const divergence = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - q[i]!), 0)

describe('NPT phase 3', function () {
  this.slow(5000)

  it('has gradients that are those of its loss, in float64', async () => {
    const graph = consolidationTrainingGraph(task)
    expect([...graph.outputs.keys()]).to.deep.equal([
      ...['loss', 'before', 'after', 'damage'],
      ...[...nptShapes(config, npt).keys()].map((name) => `${name}_grad`),
    ])
    const { worst, outputs } = await checkGradients(
      graph,
      { ...batch, ...base, ...plastic },
      { elements: 12 },
    )
    expect(worst).to.be.greaterThan(0)
    expect(outputs['damage']!.data[0]).to.be.greaterThan(1e-3)
  })

  it('is the base model with each text’s ΔW̄ in its weights', async () => {
    const { modulations } = await run(plasticGraph(task), { ...context, ...base, ...plastic })
    expect(modulations!.length).to.equal(LAYERS.length * 3 * npt.rank)
    const got = await run(consolidationEvaluationGraph(task), { ...batch, ...base, ...plastic })

    const without = await logProbabilities(base)
    const changed = await Promise.all([0, 1, 2].map((text) => logProbabilities(folded(modulations!, text))))
    const nll = (by: (label: number) => number[][]) =>
      weighted(LABELS.map((id, label) => -by(label)[label]![id]!))
    const before = nll(() => without)
    const after = nll((label) => changed[TEXT_OF[label]!]!)
    const damage = weighted(
      TEXT_OF.map((text, label) => divergence(without[label]!, changed[OTHERS[text]!]![label]!)),
    )
    expect(Math.abs(after - before)).to.be.greaterThan(1e-3)
    expect(got['before']![0]).to.be.closeTo(before, 1e-12)
    expect(got['after']![0]).to.be.closeTo(after, 1e-12)
    expect(got['damage']![0]).to.be.closeTo(damage, 1e-12)
    expect(got['loss']![0]).to.be.closeTo(after + 0.6 * damage, 1e-12)
  })

  it('changes nothing where A or B is zero', async () => {
    for (const part of ['A', 'B']) {
      const zero = Object.entries(plastic).map(
        ([name, tensor]) =>
          [
            name,
            name.endsWith(part) ? { ...tensor, data: new Float64Array(tensor.data.length) } : tensor,
          ] as const,
      )
      const feeds = { ...batch, ...base, ...Object.fromEntries(zero) }
      const { before, after, damage } = await run(consolidationEvaluationGraph(task), feeds)
      expect(after, part).to.deep.equal(before)
      expect(damage, part).to.deep.equal([0])
    }
  })

  it('has no use for pads: neither other ids there nor more of them change anything', async () => {
    const feeds = { ...batch, ...base, ...plastic }
    const graph = consolidationTrainingGraph(task)
    const expected = await run(graph, feeds)
    const otherIds = otherPads(feeds, config.vocab_size)
    expect(otherIds['input_ids']!.data).to.not.deep.equal(feeds.input_ids!.data)
    expect(await run(graph, otherIds)).to.deep.equal(expected)

    const wider = Object.fromEntries(
      Object.entries(context).map(([name, { dtype, data }]) => {
        const rows = [0, 1, 2].flatMap((b) => [...Array.from(data, Number).slice(5 * b, 5 * b + 5), 0])
        return [name, toHost(constant([3, 6], rows), dtype)] as const
      }),
    )
    const moved = POSITIONS.map((position) => position + Math.floor(position / 5))
    const got = await run(graph, { ...feeds, ...wider, label_positions: int64([5], ...moved) })
    for (const [name, values] of Object.entries(expected))
      expect(largestDifference(got[name]!, values), name).to.be.at.most(1e-12)
  })
})

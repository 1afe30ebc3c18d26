import { expect } from 'chai'

import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import type { EquivalenceTask } from '../../graphs/tasks/equivalence.ts'
import {
  equivalenceEvaluationGraph,
  equivalenceShapes,
  equivalenceTrainingGraph,
} from '../../graphs/tasks/equivalence.ts'
import { liveNodes } from '../../graphs/ir/serialize.ts'
import { dimProduct, evaluateDim } from '../../graphs/ir/shape.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { nptShapes, plasticLayers } from '../../graphs/models/npt_config.ts'
import { checkGradients } from './check_gradients.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

/** Three layers, so that a block that is not converted lies between two that are. */
const config = { ...tiny, n_layer: 3 }
const npt: NptConfig = {
  rank: 3,
  modulation_scale: 0.7,
  init_scale: 1,
  layers: [2, 0],
  attention_residual: false,
}
const phase1 = {
  config,
  npt,
  hidden_states: 'teacher',
  equivalence_weight: 1,
  low_magnitude_weight: 0.3,
  distillation_weight: 0,
} as const satisfies EquivalenceTask

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')

/** Five tokens, and three with two pads. */
const tokens = {
  input_ids: int64([2, 5], 3, 7, 3, 10, 0, 5, 1, 9, 0, 0),
  attention_mask: int64([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
  position_ids: int64([2, 5], 0, 1, 2, 3, 4, 0, 1, 2, 0, 0),
}
const token_weights = toHost(constant([2, 5], [0.1, 0.2, 0.05, 0.1, 0.1, 0.2, 0.1, 0.1, 0, 0]), 'float64')
const labelled = {
  label_positions: int64([4], 1, 3, 5, 6),
  labels: int64([4], 3, 0, 1, 9),
  label_weights: toHost(constant([4], [0.2, 0.3, 0.1, 0.4]), 'float64'),
}

describe('NPT gradients in float64', function () {
  this.slow(5000)
  const blocks = nptShapes(config, npt)
  const feeds = { ...tokens, ...weightFeeds(new Map([...gpt2ParameterShapes(config), ...blocks]), 'float64') }

  for (const attention_residual of [false, true]) {
    const kind = attention_residual ? 'with the attention residual' : 'as published'
    for (const [title, changes] of [
      ['teacher-forced', {}],
      ['student-forced', { hidden_states: 'student' }],
      ['distilled', { hidden_states: 'student', distillation_weight: 0.5 }],
    ] as const) {
      it(`phase 1, ${title}, ${kind}`, async () => {
        const task: EquivalenceTask = {
          ...phase1,
          ...changes,
          npt: { ...npt, attention_residual },
          dtype: 'float64',
        }
        const graph = equivalenceTrainingGraph(task)
        expect([...graph.outputs.keys()]).to.deep.equal([
          ...['loss', 'equivalence', 'low_magnitude'],
          ...(title === 'distilled' ? ['distillation'] : []),
          ...[...equivalenceShapes(task).keys()].map((name) => `${name}_grad`),
        ])
        const { worst } = await checkGradients(graph, { ...feeds, token_weights }, { elements: 10 })
        expect(worst).to.be.greaterThan(0)
      })
    }

    for (const [title, lora] of [
      ['alone', 'none'],
      ['beside adapters', adapters],
      ['beside every parameter', 'full'],
    ] as const) {
      it(`phase 2, ${title}, ${kind}`, async () => {
        const task = { config, lora, npt: { ...npt, attention_residual }, dtype: 'float64' } as const
        const graph = sftTrainingGraph(task)
        expect([...graph.outputs.keys()].slice(1)).to.deep.equal(
          [...languageModelTrainable(task).keys()].map((name) => `${name}_grad`),
        )
        const adapted =
          lora === adapters
            ? {
                ...weightFeeds(loraParameterShapes(gpt2ParameterShapes(config), lora), 'float64'),
                lora_scale: toHost(constant([], [2]), 'float64'),
              }
            : {}
        await checkGradients(
          graph,
          { ...feeds, ...labelled, ...adapted },
          { elements: lora === 'full' ? 2 : 5 },
        )
      })
    }
  }
})

describe('NPT graphs', () => {
  const large = {
    ...tiny,
    n_layer: 4,
    n_head: 12,
    n_embd: 768,
    n_positions: 1024,
    vocab_size: 50257,
    n_inner: 3072,
  }
  const stored = new Map(
    [...gpt2ParameterShapes(large).keys()].map((name) => [name, { location: 'w', offset: 0, length: 4 }]),
  )

  it('never form ΔW: no value has n_embd and n_inner both, and none is as large as one token’s', () => {
    const binding = { batch: 4, sequence: 128, labelled: 512 }
    for (const hidden_states of ['teacher', 'student'] as const) {
      const task: EquivalenceTask = {
        ...phase1,
        ...{ config: large, stored, hidden_states, npt: { ...npt, layers: 'all', rank: 16 } },
        distillation_weight: hidden_states === 'student' ? 1 : 0,
      }
      const causal = { config: large, stored, lora: 'none', npt: task.npt } as const
      for (const graph of [
        equivalenceTrainingGraph(task),
        equivalenceEvaluationGraph(task),
        sftTrainingGraph(causal),
      ]) {
        const values = liveNodes(graph).flatMap((node) => node.outputs)
        expect(values.length).to.be.greaterThan(100)
        const both = values.filter(({ shape }) => shape.includes(768) && shape.includes(3072))
        expect(both.map(({ name }) => name)).to.be.empty
        for (const { name, shape } of values) {
          const perToken = evaluateDim(dimProduct(shape), binding) / 512
          expect(perToken, name).to.be.lessThan((768 * 3072) / 10)
        }
      }
    }
  })

  it('train A and B alone, teacher-forced with no way back below a block', () => {
    const forward = liveNodes(equivalenceEvaluationGraph({ ...phase1, config: large, stored }))
    const training = liveNodes(equivalenceTrainingGraph({ ...phase1, config: large, stored }))
    const products = (nodes: typeof forward) =>
      nodes.filter(({ operator }) => operator.name === 'Gemm').length
    // For the norms of each of the two blocks the evaluation graph has four more. A block's way back: from its output to
    // the activation, to B, to what B is given, and from there to A on both ways.
    expect(products(training)).to.equal(products(forward) - 2 * 4 + 2 * 5)
    expect(training.some(({ operator }) => operator.name.startsWith('Scatter'))).to.equal(false)
  })

  it('choose blocks by name or number, ascending and once each', () => {
    const layers = (n_layer: number, chosen: NptConfig['layers']) =>
      plasticLayers({ ...config, n_layer }, { ...npt, layers: chosen })
    expect(layers(4, 'all')).to.deep.equal([0, 1, 2, 3])
    expect(layers(5, 'upper_half')).to.deep.equal([2, 3, 4])
    expect(layers(5, 'lower_half')).to.deep.equal([0, 1])
    expect(layers(4, [3, 0, 3])).to.deep.equal([0, 3])
    expect([...nptShapes(config, npt)]).to.deep.equal([
      ['transformer.h.0.mlp.c_fc.npt_A', [8, 3]],
      ['transformer.h.0.mlp.c_fc.npt_B', [3, 12]],
      ['transformer.h.2.mlp.c_fc.npt_A', [8, 3]],
      ['transformer.h.2.mlp.c_fc.npt_B', [3, 12]],
    ])
  })

  it('say what is wrong: layers that are not there, distillation that reaches no plastic block', () => {
    for (const layers of [[3], [-1], [0, 1.5], []])
      expect(() => plasticLayers(config, { ...npt, layers }), String(layers)).to.throw(
        /^NPT layers .+: the model has the layers 0 to 2$/,
      )
    expect(() => plasticLayers({ ...config, n_layer: 1 }, { ...npt, layers: 'lower_half' })).to.throw(
      'lower_half',
    )
    expect(() => equivalenceTrainingGraph({ ...phase1, distillation_weight: 1 })).to.throw(
      /^distillation needs hidden_states "student"/,
    )
  })
})

import { expect } from 'chai'

import type { ClassificationTask } from '../../graphs/tasks/classification.ts'
import { classificationShapes, classificationTrainingGraph } from '../../graphs/tasks/classification.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { bertParameterShapes } from '../../graphs/models/bert.ts'
import { declareEncoder, encoderShapes, headShapes } from '../../graphs/models/encoder.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { checkGradients } from './check_gradients.ts'
import { constant, random, toHost } from './tensor.ts'
import { tinyBert } from './tiny_bert.ts'

const CLASSES = 3
const DROPOUT = 0.25
const adaptations = {
  lora: { r: 3, lora_alpha: 6, target_modules: ['query', 'value', 'output.dense', 'pooler.dense'] },
  full: 'full',
  none: 'none',
} as const

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')

/** Five tokens in two parts, three with two pads, and one with four; the weights are not equal. */
const batch = {
  input_ids: int64([3, 5], 3, 7, 3, 10, 4, 5, 1, 9, 0, 0, 4, 0, 0, 0, 0),
  attention_mask: int64([3, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0),
  token_type_ids: int64([3, 5], 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  labels: int64([3], 2, 0, 1),
  label_weights: toHost(constant([3], [0.2, 0.5, 0.3]), 'float64'),
  dropout_mask: toHost(
    constant(
      [3, tinyBert.hidden_size],
      Array.from({ length: 3 * tinyBert.hidden_size }, (_, i) => (i % 5 < 2 ? 0 : 1 / (1 - DROPOUT))),
    ),
    'float64',
  ),
}

/** Weights of about a third, large enough that every gradient matters. */
const weights = (shapes: Iterable<readonly [string, readonly number[]]>): Record<string, HostTensor> =>
  Object.fromEntries(
    [...shapes].map(([name, shape]) => {
      const isNorm = name.endsWith('LayerNorm.weight')
      return [name, toHost(random(name, shape, isNorm ? 0.5 : -0.6, isNorm ? 1.5 : 0.6), 'float64')]
    }),
  )

describe('gradients of BERT in float64', function () {
  this.slow(5000)
  for (const [title, lora] of Object.entries(adaptations))
    it(`${title}, with a dropout mask`, async () => {
      const given = { config: tinyBert, lora, classes: CLASSES, pooling: 'last', dropout: DROPOUT } as const
      const task: ClassificationTask = { ...given, dtype: 'float64' }
      const full = classificationTrainingGraph(task)
      const feeds = {
        ...batch,
        ...weights(bertParameterShapes(tinyBert)),
        ...weights(headShapes(tinyBert, CLASSES)),
      }
      const all =
        typeof lora === 'string'
          ? feeds
          : {
              ...feeds,
              ...weights(loraParameterShapes(bertParameterShapes(tinyBert), lora, 'out_in')),
              lora_scale: toHost(constant([], [2]), 'float64'),
            }
      expect(full.inputs.map(({ name }) => name).sort()).to.deep.equal(Object.keys(all).sort())
      expect([...full.outputs.keys()]).to.deep.equal([
        'loss',
        ...[...classificationShapes(task).keys()].map((name) => `${name}_grad`),
      ])
      // A key's bias moves all scores of a query alike, which the softmax does not see: it has no gradient.
      const checked = withoutOutputs(full, /key\.bias_grad$/)
      const { worst } = await checkGradients(checked, all, { elements: 10 })
      expect(worst).to.be.greaterThan(0)
    })
})

const withoutOutputs = (graph: Graph, names: RegExp): Graph =>
  Object.create(graph, {
    outputs: { value: new Map([...graph.outputs].filter(([name]) => !names.test(name))) },
  }) as Graph

describe('models/encoder with BERT', () => {
  it('has LoRA tensors in PEFT’s layout for weights that are stored [out, in]', () => {
    const lora = { r: 3, lora_alpha: 6, target_modules: ['intermediate.dense'] }
    expect([...encoderShapes({ config: { ...tinyBert, num_hidden_layers: 1 }, lora })]).to.deep.equal([
      ['bert.encoder.layer.0.intermediate.dense.lora_A.weight', [3, 8]],
      ['bert.encoder.layer.0.intermediate.dense.lora_B.weight', [12, 3]],
    ])
  })

  it('names the endings that a target may have, and refuses plastic blocks', () => {
    const lora = { r: 3, lora_alpha: 6, target_modules: ['c_attn'] }
    expect(() => encoderShapes({ config: tinyBert, lora })).to.throw(
      'LoRA target "c_attn" matches no module; there are self.query, self.key, self.value, output.dense, intermediate.dense, pooler.dense',
    )
    const npt = {
      rank: 2,
      modulation_scale: 1,
      init_scale: 1,
      layers: 'all',
      attention_residual: true,
    } as const
    expect(() => encoderShapes({ config: tinyBert, lora: 'none', npt })).to.throw(
      'a BERT has no plastic blocks',
    )
  })

  it('declares the inputs of a BERT, and no pooling positions', () => {
    const graph = new Graph('encoder')
    const stored = new Map(
      [...bertParameterShapes(tinyBert).keys()].map((name) => [
        name,
        { location: 'w', offset: 0, length: 4 },
      ]),
    )
    const { pooled, trainable } = declareEncoder(
      graph,
      { config: tinyBert, lora: 'none', pooling: 'last' },
      stored,
    )
    expect(graph.inputs.map(({ name }) => name)).to.deep.equal([
      'input_ids',
      'attention_mask',
      'token_type_ids',
    ])
    expect(pooled.shape).to.deep.equal(['batch', tinyBert.hidden_size])
    expect(trainable).to.deep.equal([])
  })
})

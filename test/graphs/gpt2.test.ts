import { expect } from 'chai'

import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import { activationNames } from '../../graphs/layers/activation.ts'
import { attention, causalMask } from '../../graphs/layers/attention.ts'
import { tokenNegativeLogLikelihood } from '../../graphs/losses/negative_log_likelihood.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { attentionScale, gpt2, lmHead } from '../../graphs/models/gpt2.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { inputAdapters, loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { inputParameters } from '../../graphs/models/parameters.ts'
import { gather } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const dims = { batch: 2, sequence: 5, labelled: 4 }

/** Five tokens, and three with two pads; labels at four positions. */
function batchFeeds(dtype: 'float32' | 'float64'): Record<string, HostTensor> {
  const whole = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')
  return {
    input_ids: whole([2, 5], 3, 7, 3, 10, 0, 5, 1, 9, 0, 0),
    attention_mask: whole([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
    position_ids: whole([2, 5], 0, 1, 2, 3, 4, 0, 1, 2, 0, 0),
    label_positions: whole([4], 1, 3, 5, 6),
    labels: whole([4], 3, 0, 1, 9),
    label_weights: toHost(constant([4], [0.2, 0.3, 0.1, 0.4]), dtype),
  }
}

/** As the training artifact is built, but with base weights that are float64 inputs. */
function loraGraph(config: Gpt2Config, lora: LoraConfig): Graph {
  const graph = new Graph('lora')
  const [inputIds, attentionMask, positionIds] = ['input_ids', 'attention_mask', 'position_ids'].map((name) =>
    graph.input(name, 'int64', ['batch', 'sequence']),
  )
  const [positions, labels] = ['label_positions', 'labels'].map((name) =>
    graph.input(name, 'int64', ['labelled']),
  )
  const weights = graph.input('label_weights', 'float64', ['labelled'])
  const shapes = gpt2ParameterShapes(config)
  const loraShapes = loraParameterShapes(shapes, lora)
  const parameters = inputParameters(graph, shapes, 'float64')
  const adapterOf = inputAdapters(graph, loraShapes, 'float64')
  const mask = causalMask(attentionMask!, 'float64')
  const hidden = gpt2(
    config,
    parameters,
    adapterOf,
    (_layer, q, k, v) => attention(q, k, v, mask, attentionScale(config)),
    { input_ids: inputIds!, position_ids: positionIds! },
  )
  const nll = tokenNegativeLogLikelihood(gather(hidden, positions!), lmHead(config, parameters), labels!)
  const wanted = graph.inputs.filter(({ name }) => loraShapes.has(name) || name === 'lora_scale')
  return giveOutGradients(weightedSum(nll, weights), wanted)
}

/** Where the frozen parameters would lie; no session is opened. */
const storedAnywhere = new Map(
  [...gpt2ParameterShapes(tiny).keys()].map((name) => [name, { location: 'w', offset: 0, length: 4 }]),
)

describe('GPT-2 gradients in float64', function () {
  this.slow(5000)
  const variants: [title: string, changes: Partial<Gpt2Config>, elements: number][] = [
    ['tied head', {}, 10],
    ['its own head', { tie_word_embeddings: false }, 10],
    [
      'unscaled attention, wide MLP, large epsilon',
      { scale_attn_weights: false, n_inner: null, layer_norm_epsilon: 0.1 },
      3,
    ],
    ...activationNames.map((name): [string, Partial<Gpt2Config>, number] => [
      name,
      { activation_function: name, n_layer: 1 },
      3,
    ]),
  ]
  for (const [title, changes, elements] of variants) {
    it(`full, ${title}`, async () => {
      const config = { ...tiny, ...changes }
      const graph = sftTrainingGraph({ config, stored: new Map(), dtype: 'float64' })
      const feeds = { ...batchFeeds('float64'), ...weightFeeds(gpt2ParameterShapes(config), 'float64') }
      const { worst } = await checkGradients(graph, feeds, { elements })
      expect(worst).to.be.greaterThan(0)
    })
  }

  for (const [title, changes] of [
    ['tied head', {}],
    ['its own head', { tie_word_embeddings: false }],
  ] as const) {
    it(`LoRA, ${title}`, async () => {
      const config = { ...tiny, ...changes }
      const shapes = gpt2ParameterShapes(config)
      const feeds = {
        ...batchFeeds('float64'),
        ...weightFeeds(shapes, 'float64'),
        ...weightFeeds(loraParameterShapes(shapes, adapters), 'float64'),
        lora_scale: toHost(constant([], [2]), 'float64'),
      }
      await checkGradients(loraGraph(config, adapters), feeds, { elements: 10 })
    })
  }
})

describe('GPT-2 training graph', () => {
  it('infers the shape of every value, forward and backward', async () => {
    const graph = sftTrainingGraph({ config: tiny, stored: new Map() })
    const values = liveNodes(graph).flatMap((node) => node.outputs)
    values.forEach((value, i) => graph.output(`value_${i}`, value))
    const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
    const got = await session.run({
      ...batchFeeds('float32'),
      ...weightFeeds(gpt2ParameterShapes(tiny), 'float32'),
    })
    await session.release()
    expect(values.length).to.be.greaterThan(200)
    values.forEach((value, i) => {
      const { dtype, dims: found } = got[`value_${i}`]!
      expect([dtype, ...found], value.name).to.deep.equal([
        value.dtype,
        ...value.shape.map((dim) => evaluateDim(dim, dims)),
      ])
    })
  })

  it('has no gradient of a frozen weight, and one output per trained tensor', () => {
    const task = { config: tiny, lora: adapters, stored: storedAnywhere }
    const graph = sftTrainingGraph(task)
    expect([...graph.outputs.keys()]).to.deep.equal([
      'loss',
      ...[...languageModelTrainable(task).keys()].map((name) => `${name}_grad`),
    ])
    const frozen = new Set(
      [...gpt2ParameterShapes(tiny).values()].filter(({ length }) => length === 2).map(String),
    )
    const ofFrozenShape = graph.nodes
      .flatMap((node) => node.outputs)
      .filter(({ shape, dtype }) => dtype === 'float32' && frozen.has(String(shape)))
    expect(ofFrozenShape.map(({ name }) => name)).to.be.empty
    const products = (built: Graph) => built.nodes.filter(({ operator }) => operator.name === 'Gemm').length
    // Forward 8 linear layers and the head; back through each of them to its input, the first excepted. Each of the two
    // adapters has two products forward and four back, of which the first needs no gradient by its input either.
    expect(
      products(sftTrainingGraph({ ...task, lora: { ...adapters, target_modules: ['c_attn'] } })),
    ).to.equal(9 + 9 - 1 + 2 * 6 - 1)
  })

  it('takes every input that the artifact promises, in order', () => {
    const graph = sftTrainingGraph({ config: tiny, lora: adapters, stored: storedAnywhere })
    const names = graph.inputs.map(({ name }) => name)
    expect(names.slice(0, 6)).to.deep.equal(Object.keys(batchFeeds('float32')))
    expect(names.slice(6)).to.deep.equal([
      ...languageModelTrainable({ config: tiny, lora: adapters, stored: storedAnywhere }).keys(),
      'lora_scale',
    ])
  })

  it('names the target that matches no module, and the endings that would', () => {
    const lora = { ...adapters, target_modules: ['c_attn', 'q_proj'] }
    expect(() => sftTrainingGraph({ config: tiny, lora, stored: storedAnywhere })).to.throw(
      /^LoRA target "q_proj" matches no module; there are attn\.c_attn, attn\.c_proj, mlp\.c_fc, mlp\.c_proj$/,
    )
  })

  it('adapts the modules that a name or an ending of it selects', () => {
    const select = (...target_modules: string[]) =>
      [...loraParameterShapes(gpt2ParameterShapes(tiny), { ...adapters, target_modules })].map(
        ([name, shape]) => `${name} ${shape.join('x')}`,
      )
    expect(select('h.1.attn.c_proj')).to.deep.equal([
      'transformer.h.1.attn.c_proj.lora_A.weight 3x8',
      'transformer.h.1.attn.c_proj.lora_B.weight 8x3',
    ])
    expect(select('c_proj').length).to.equal(8)
    expect(select('c_attn', 'attn.c_attn').length, 'selected twice').to.equal(4)
    expect(() => select('proj')).to.throw('"proj"')
  })
})

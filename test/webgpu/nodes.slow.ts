import { expect } from 'chai'

import { checkpointed } from '../../graphs/checkpointing.ts'
import { embeddingGraph } from '../../graphs/inference/embedding.ts'
import { decodingGraph } from '../../graphs/inference/generation.ts'
import { cacheRowsGraph, keyValueCacheGraph } from '../../graphs/inference/key_value_cache.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { adamwGraph } from '../../graphs/optimizers/adamw.ts'
import { plasticUpdateGraph } from '../../graphs/optimizers/plastic.ts'
import { classifierGraph } from '../../graphs/tasks/classification.ts'
import { plasticGraph } from '../../graphs/tasks/consolidation.ts'
import { add } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { withFolder } from '../data/helpers.ts'
import { everyTask, npt } from '../graphs/every_task.ts'
import { tinyBert } from '../graphs/tiny_bert.ts'
import { adapters, tiny } from '../graphs/tiny_gpt2.ts'
import { tinyLlama } from '../graphs/tiny_llama.ts'
import { executedNodes } from '../training/executed_nodes.ts'

/** Opens a graph on WebGPU where the CPU may have no node. */
async function open(graph: Graph): Promise<void> {
  const session = await openNodeSession(serialize(graph), { provider: 'webgpu', fallback: false })
  await session.release()
}

describe('graphs on WebGPU alone', function () {
  this.timeout(300_000)

  const cases = [
    ...everyTask('last'),
    // Other tasks do not pool.
    ...everyTask('mean').filter(({ title }) => /^(classification|reward), GPT-2/.test(title)),
  ]
  for (const { title, graphs } of cases)
    it(title, async () => {
      const { training, evaluation } = await graphs('float32')
      await open(training())
      await open(evaluation())
    })

  const shapes = new Map([
    ['w', [4, 3]],
    ['b', [3]],
  ])
  const adamw = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1, max_grad_norm: 1 }
  const plastic = { plasticity_lr: 0.1, gamma: 0.9, beta: 0.5, lambda_decay: 0.1 }
  const classifier = { classes: 3, npt: null }
  const padded = { ...tiny, pad_token_id: 10 }
  const others: Readonly<Record<string, () => Graph | Promise<Graph>>> = {
    decoding: () => decodingGraph({ config: tiny }),
    'decoding with adapters and plastic blocks': () => decodingGraph({ config: tiny, lora: adapters, npt }),
    "decoding of Llama's family": () => decodingGraph({ config: tinyLlama }),
    'the cache of keys and values': () => keyValueCacheGraph(['0.key', '0.value']),
    'sequences of the cache': () => cacheRowsGraph(['0.key', '0.value']),
    embedding: () => embeddingGraph({ config: tiny }),
    'a classifier by the last token': () =>
      classifierGraph({ ...classifier, config: padded, pooling: 'last' }),
    'a classifier by the mean': () => classifierGraph({ ...classifier, config: tiny, pooling: 'mean' }),
    "a classifier of Llama's family": () =>
      classifierGraph({ ...classifier, config: { ...tinyLlama, pad_token_id: 10 }, pooling: 'last' }),
    'a classifier of BERT': () => classifierGraph({ ...classifier, config: tinyBert, pooling: 'last' }),
    'what texts fold into plastic blocks': () => plasticGraph({ config: tiny, npt }),
    'gradient checkpointing': async () => {
      const sft = everyTask('last').find(({ title }) => title.startsWith('sft'))!
      return checkpointed((await sft.graphs('float32')).training())
    },
    AdamW: () => adamwGraph(shapes, adamw),
    'plastic updates': () =>
      plasticUpdateGraph(new Map([['w', [4, 3]]]), { ...plastic, third_factor: 'published' }, 1),
  }
  for (const [title, build] of Object.entries(others)) it(title, async () => open(await build()))

  it('refuses a graph of which the CPU would have a node', async () => {
    const graph = new Graph('whole numbers')
    const x = graph.input('x', 'int64', ['n'])
    graph.output('y', add(x, x))
    const refused: unknown = await open(graph).catch((error: unknown) => error)
    expect((refused as Error).message).to.match(/fallback to CPU EP has been explicitly disabled/)
  })
})

describe('a training graph on WebGPU', function () {
  this.timeout(300_000)
  /** Of 4-bit weights WebGPU has no rows that are looked up. */
  const left = { bf16: 0, int4: 4 }
  for (const [base, most] of Object.entries(left))
    it(`leaves ${most} nodes to the CPU, with base ${base}`, () =>
      withFolder(async (folder) => {
        const nodes = await executedNodes(folder, { provider: 'webgpu', base })
        const on = (wanted: string) => nodes.filter(({ provider }) => provider === wanted).length
        expect(on('WebGpuExecutionProvider')).to.be.above(100)
        expect(on('CPUExecutionProvider')).to.equal(most)
      }))
})

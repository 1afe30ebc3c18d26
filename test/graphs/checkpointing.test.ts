import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { itWhere } from '../it_where.ts'
import { tellsMemory } from '../peak_memory.ts'

import { expect } from 'chai'

import { checkpointed } from '../../graphs/checkpointing.ts'
import type { Graph, Value } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { classificationTrainingGraph } from '../../graphs/tasks/classification.ts'
import { sftEvaluationGraph, sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { adapters, tiny } from './tiny_gpt2.ts'
import { tinyBert } from './tiny_bert.ts'

const deep = { ...tiny, n_layer: 5 }
const models: Readonly<Record<string, () => Graph>> = {
  'GPT-2, every parameter': () => sftTrainingGraph({ config: deep }),
  'GPT-2, adapters': () => sftTrainingGraph({ config: deep, lora: adapters }),
  BERT: () =>
    classificationTrainingGraph({
      ...{ config: { ...tinyBert, num_hidden_layers: 5 }, lora: 'full', classes: 3 },
      ...{ pooling: 'last', dropout: 0 },
    }),
}

/** Values of the forward pass that depend on a block's input, and which the backward pass reads. */
function readBackward({ segments, backward, nodes }: Graph): Set<Value> {
  const inside = new Set<Value>()
  for (const { inputs, nodes: own } of segments)
    for (const node of own)
      if (node.inputs.some((input) => inputs.includes(input) || inside.has(input)))
        for (const output of node.outputs) inside.add(output)
  const read = nodes.slice(backward!.start).flatMap((node) => node.inputs)
  return new Set(read.filter((value) => inside.has(value)))
}

describe('gradient checkpointing', () => {
  for (const [name, build] of Object.entries(models))
    for (const every of [1, 2, 5, 9])
      it(`reads the inputs of every ${every} blocks alone in the backward pass: ${name}`, () => {
        const ends = (graph: Graph) => new Set(graph.segments.map(({ output }) => output))
        const plain = build()
        expect([...readBackward(plain)].some((value) => !ends(plain).has(value))).to.equal(true)
        const graph = checkpointed(build(), every)
        const read = readBackward(graph)
        // The last block's output is what the head reads.
        expect(read.size).to.equal(Math.ceil(5 / every))
        for (const value of read) expect(ends(graph).has(value), value.name).to.equal(true)
      })

  it('computes nothing once more that is not read, such as the last product of a block', () => {
    const products = (graph: Graph) =>
      liveNodes(graph).filter(({ name }) => name.startsWith('again/') && /Gemm/.test(name)).length
    // Of c_attn, attn.c_proj, c_fc and c_proj of each block, the last; of LoRA's products, A of c_attn and attn.c_proj more.
    expect(products(checkpointed(models['GPT-2, every parameter']!()))).to.equal(5 * 3)
  })

  it('leaves a graph as it is whose blocks no gradient goes through', () => {
    const head = () =>
      classificationTrainingGraph({
        ...{ config: tinyBert, lora: 'none', classes: 3, pooling: 'last', dropout: 0 },
      })
    expect(Buffer.compare(serialize(checkpointed(head())), serialize(head()))).to.equal(0)
  })

  it('says that a graph without gradients has nothing to compute once more', () => {
    expect(() => checkpointed(sftEvaluationGraph({ config: tiny }))).to.throw('there are no gradients')
  })

  for (const kind of ['lora', 'full'])
    itWhere(...tellsMemory)(
      `halves the memory of a step, at the least, of ${kind}: the runtime neither merges the copies nor makes them early`,
      () => {
        const script = join(import.meta.dirname, 'checkpointed_step.ts')
        const growth = (every: number) =>
          Number(
            execFileSync(process.execPath, ['--import', 'tsx', script, String(every), kind], {
              encoding: 'utf8',
            }),
          )
        expect(growth(1)).to.be.lessThan(growth(0) / 2)
      },
    )
})

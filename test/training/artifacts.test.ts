import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import { collate, totalLabelled } from '../../src/data/collate.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/generation/adapter_inputs.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import { openWebSession } from '../../src/runtime/web.ts'
import { exportArtifacts } from '../../src/training/export.ts'
import { adamwConfig, trainingOptionsSchema } from '../../src/training/options.ts'
import { example, withFolder } from '../data/helpers.ts'
import { tinyAdapter, tinyConfig, tinyLora, writeTinyModel } from '../tiny_model.ts'

const optimizer = adamwConfig(trainingOptionsSchema.parse({}))

/** Three sequences of different lengths. */
function batch(): Feeds {
  const examples = [3, 9, 14].map((length, row) =>
    example(
      Array.from({ length }, (_, t) => (31 * row + 17 * t) % tinyConfig.vocab_size),
      row,
    ),
  )
  return collate(examples, { total: totalLabelled(examples) })
}

/** Runs an artifact on both runtimes: in Node by path, on the web from bytes. */
async function onBoth(folder: string, name: string, feeds: Feeds) {
  const weights = await readFile(join(folder, 'model.safetensors'))
  const sessions = [
    await openNodeSession(join(folder, name)),
    await openWebSession(await readFile(join(folder, name)), {
      name,
      externalData: [{ path: 'model.safetensors', data: weights }],
    }),
  ]
  const results: Record<string, HostTensor>[] = []
  for (const session of sessions) {
    results.push(await session.run(feeds))
    await session.release()
  }
  const [node, web] = results
  return { node: node!, web: web! }
}

/** The largest difference, relative to the largest value. */
function difference(a: HostTensor, b: HostTensor): number {
  const [left, right] = [a.data as Float32Array, b.data as Float32Array]
  const largest = left.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
  return left.reduce((max, value, i) => Math.max(max, Math.abs(value - right[i]!)), 0) / largest
}

describe('the artifacts of a task, on onnxruntime-node and onnxruntime-web', () => {
  for (const lora of [tinyLora, null]) {
    it(`give equal losses and gradients: ${lora ? 'adapters' : 'all parameters'}`, async () => {
      await withFolder(async (folder) => {
        const [model, out] = [join(folder, 'model'), join(folder, 'out')]
        await writeTinyModel(model)
        await exportArtifacts({ model, out, lora, optimizer, seed: 1 })
        const tensors = lora ? tinyAdapter().tensors : await readTensors(join(out, 'model.safetensors'))
        const scale = lora ? loraScale(lora.lora_alpha / lora.r) : {}
        const feeds = { ...batch(), ...tensorFeeds(tensors), ...scale }

        const training = await onBoth(out, 'training_model.onnx', feeds)
        const evaluation = await onBoth(out, 'eval_model.onnx', feeds)
        const gradients = Object.keys(training.node).filter((name) => name.endsWith('_grad'))
        expect(gradients).to.have.length(lora ? tensors.size : gpt2ParameterShapes(tinyConfig).size)
        for (const name of ['loss', ...gradients])
          expect(difference(training.node[name]!, training.web[name]!), name).to.be.below(1e-5)
        expect(difference(evaluation.node['loss']!, evaluation.web['loss']!)).to.be.below(1e-5)
        expect(difference(evaluation.node['nll']!, evaluation.web['nll']!)).to.be.below(1e-5)
        expect(difference(evaluation.node['loss']!, training.node['loss']!)).to.be.below(1e-6)
      })
    })
  }
})

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { Pooling } from '../../graphs/layers/pooling.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import { HEAD } from '../../graphs/models/encoder.ts'
import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { createRandom } from '../../src/random.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import { openWebSession } from '../../src/runtime/web.ts'
import { classificationObjective, collateClasses } from '../../src/tasks/classification.ts'
import { exportArtifacts } from '../../src/runs/artifacts.ts'
import { adamwConfig, trainingOptionsSchema } from '../../src/learning/options.ts'
import { languageHead } from '../../graphs/models/head.ts'
import type { Trained } from '../../src/runs/run_graphs.ts'
import { example, withFolder } from '../data/helpers.ts'
import { tinyAdapter, tinyConfig, tinyLora, writeTinyModel } from '../tiny_model.ts'

const optimizer = adamwConfig(trainingOptionsSchema.parse({}))

const examples = [3, 9, 14].map((length, row) =>
  example(
    Array.from({ length }, (_, t) => (31 * row + 17 * t) % tinyConfig.vocab_size),
    row,
  ),
)

/** Three sequences of different lengths, the last one of two packed examples. */
const sequences = [[examples[0]!], [examples[1]!], [examples[2]!, examples[0]!]]
const causalFeeds = () => collate(sequences, { total: totalLabelled(sequences.flat()) })

const head = { classes: ['a', 'b', 'c'], dropout: 0.25 }

/** The examples, each of a class of its own: what the evaluation takes, and what training does. */
async function classifierFeeds(pooling: Pooling): Promise<Record<'training' | 'evaluation', Feeds>> {
  const labelled = examples.map((one, row) => [{ ...one, labels: Int32Array.of(row) }])
  const tokens = { config: tinyConfig, pooling }
  const settings = { ...tokens, dropout: head.dropout, width: tinyConfig.n_embd, seed: 1 }
  const place = { total: 3, step: 1, first: 0, rows: [[0], [1], [2]], all: labelled }
  const training = await classificationObjective(settings).feeds(labelled, place)
  return { training, evaluation: collateClasses(labelled, tokens, 3) }
}

/** A head's tensor, large enough that the classes differ. */
function headTensor(): FloatTensor {
  const { normal } = createRandom('head of the artifacts')
  const shape = [head.classes.length, tinyConfig.n_embd]
  return { shape, data: Float32Array.from({ length: shape[0]! * shape[1]! }, normal) }
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
  async function exported(
    folder: string,
    trained: Pick<Trained, 'task' | 'lora' | 'head'>,
  ): Promise<{ out: string; model: ReadonlyMap<string, FloatTensor> }> {
    const [model, out] = [join(folder, 'model'), join(folder, 'out')]
    await writeTinyModel(model)
    await exportArtifacts({ model, out, ...trained, options: {}, npt: null, optimizer, seed: 1 })
    return { out, model: await readTensors(join(out, 'model.safetensors')) }
  }

  /** Every output of both graphs; the gradients are those of `tensors`. */
  async function expectEqual(out: string, feeds: Record<'training' | 'evaluation', Feeds>, tensors: number) {
    const training = await onBoth(out, 'training_model.onnx', feeds.training)
    const evaluation = await onBoth(out, 'eval_model.onnx', feeds.evaluation)
    expect(Object.keys(training.node).filter((name) => name.endsWith('_grad'))).to.have.length(tensors)
    for (const { node, web } of [training, evaluation])
      for (const [name, tensor] of Object.entries(node))
        expect(difference(tensor, web[name]!), name).to.be.below(1e-5)
    return { training: training.node, evaluation: evaluation.node }
  }

  for (const lora of [tinyLora, 'full'] as const) {
    it(`give equal losses and gradients: ${lora === 'full' ? 'all parameters' : 'adapters'}`, async () => {
      await withFolder(async (folder) => {
        const { out, model } = await exported(folder, { task: 'sft', lora, head: languageHead })
        const tensors = lora === 'full' ? model : tinyAdapter().tensors
        const scale = lora === 'full' ? {} : loraScale(lora.lora_alpha / lora.r)
        const feeds = { ...causalFeeds(), ...tensorFeeds(tensors), ...scale }
        const { training, evaluation } = await expectEqual(
          out,
          { training: feeds, evaluation: feeds },
          tensors.size,
        )
        expect(evaluation).to.have.all.keys('loss', 'nll')
        expect(difference(evaluation['loss']!, training['loss']!)).to.be.below(1e-6)
      })
    })
  }

  for (const pooling of poolings) {
    it(`give equal losses and gradients: a classifier with adapters, pooling ${pooling}`, async () => {
      await withFolder(async (folder) => {
        const { out } = await exported(folder, {
          task: 'classification',
          lora: tinyLora,
          head: { kind: 'classes', ...head, pooling },
        })
        const tensors = new Map([...tinyAdapter().tensors, [HEAD, headTensor()]])
        const given = { ...tensorFeeds(tensors), ...loraScale(tinyLora.lora_alpha / tinyLora.r) }
        const { training, evaluation } = await classifierFeeds(pooling)
        const feeds = { training: { ...training, ...given }, evaluation: { ...evaluation, ...given } }
        const outputs = await expectEqual(out, feeds, tensors.size)
        expect(outputs.evaluation).to.have.all.keys('loss', 'logits')
      })
    })
  }
})

/**
 * Times training steps at GPT-2-small shape: `training.ts <artifacts> <share of labels> <steps>` prints one JSON line.
 * A process of its own, so that its peak memory is its own.
 * @module
 */
import { join } from 'node:path'

import { matmulFlops } from '../../graphs/flops.ts'
import type { ExternalData } from '../../graphs/ir/graph.ts'
import { collate, totalLabelled } from '../../src/data/collate.ts'
import { NO_LOSS } from '../../src/data/encode.ts'
import { loadParameters } from '../../src/formats/checkpoint.ts'
import { readGpt2Config } from '../../src/formats/gpt2_config.ts'
import { readManifest } from '../../src/formats/manifest.ts'
import { createRandom } from '../../src/random.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import { initialAdapter } from '../../src/training/initialise.ts'
import { loraScale } from '../../src/generation/adapter_inputs.ts'
import { gradientTargets, parameterFeeds } from '../../src/training/supervised.ts'
import { taskGraphs } from '../../src/training/task_graphs.ts'
import { openCeiling } from './ceiling.ts'
import type { Measurement } from './measure.ts'
import { median, peakRss, timed, WARMUP } from './measure.ts'
import { turnDone, turns } from './paced.ts'

const BATCH = 4
const LENGTH = 128

const [folder, share, steps] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
const config = await readGpt2Config(folder)
const manifest = await readManifest(folder)
const { lora } = manifest
const memory = createParameterMemory(taskGraphs(manifest, config, new Map()).trainable)
if (lora === 'full') await loadParameters(folder, memory)
else initialAdapter(memory, 1)

const random = createRandom('bench')
const examples = Array.from({ length: BATCH }, () => {
  const input_ids = Int32Array.from({ length: LENGTH }, () => random.integer(config.vocab_size))
  return { input_ids, labels: input_ids.map((id, t) => (t < LENGTH * (1 - share) ? NO_LOSS : id)) }
})
const labelled = totalLabelled(examples)
const sequences = examples.map((example) => [example])
const feeds = {
  ...collate(sequences, { total: labelled }),
  ...parameterFeeds(memory),
  ...(typeof lora === 'string' ? {} : loraScale(lora.lora_alpha / lora.r)),
}
const session = await openNodeSession(join(folder, 'training_model.onnx'), { inPlaceOutputs: true })
const gradients = gradientTargets(memory)
let stepCount = 0
const step = async (): Promise<void> => {
  await session.run(feeds, { into: gradients })
  memory.adamwStep({
    learningRate: 1e-4,
    step: ++stepCount,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    maxGradNorm: 1,
  })
}

const turn = turns()
for (let i = 0; i < WARMUP; i++) {
  await turn()
  await step()
  turnDone()
}
// The ceiling's own memory comes after the peak has been read.
const peak = peakRss()
const ceiling = await openCeiling()
const flops = matmulFlops(sizedGraph(), { batch: BATCH, sequence: LENGTH, labelled })
const seconds: number[] = []
const ceilings: number[] = []
for (let i = 0; i < steps; i++) {
  await turn()
  const before = await ceiling()
  seconds.push(await timed(step))
  ceilings.push((before + (await ceiling())) / 2)
  turnDone()
}
const result: Measurement = {
  name: `${lora === 'full' ? 'full' : 'lora'}-labels-${share}`,
  seconds_per_step: median(seconds),
  all: seconds,
  tokens_per_second: (BATCH * LENGTH) / median(seconds),
  peak_rss_mb: peak,
  of_ceiling: median(seconds.map((time, i) => flops / time / ceilings[i]!)),
  ceiling_gflops: median(ceilings) / 1e9,
}
process.stdout.write(`${JSON.stringify(result)}\n`)

/** The training graph once more, for its shapes; where the weights lie does not matter here. */
function sizedGraph() {
  const anywhere = { location: 'model.safetensors', offset: 0, length: 0 }
  const stored = { get: () => anywhere } as unknown as ReadonlyMap<string, ExternalData>
  return taskGraphs(manifest, config, stored).training()
}
process.exit()

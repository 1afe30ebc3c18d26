/**
 * Times training steps at GPT-2-small shape: `training.ts <artifacts> <share of labels> <length of a row> <steps> [plastic]`
 * prints one JSON line; `plastic` has eligibility traces and a plastic update after each step.
 * A process of its own, so that its peak memory is its own.
 * @module
 */
import { join, resolve } from 'node:path'

import { matmulFlops } from '../../graphs/flops.ts'
import type { ExternalData } from '../../graphs/ir/graph.ts'
import { plasticTensors } from '../../graphs/optimizers/plastic.ts'
import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { plasticOptionsSchema } from '../../src/learning/options.ts'
import { plasticStep } from '../../src/learning/plastic.ts'
import { loadParameters } from '../../src/runs/checkpoint.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { createRandom } from '../../src/random.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { createHostState } from '../../src/runtime/host_state.ts'
import { initialAdapter } from '../../src/runs/initialise.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { runGraphs } from '../../src/runs/run_graphs.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
import { watchMemory } from './memory.ts'
import { optimizerStep, reportSteps } from './steps.ts'

const BATCH = 4

const folder = resolve(process.argv[2]!)
const [share, length, steps] = process.argv.slice(3, 6).map(Number) as [number, number, number]
const plastic = process.argv[6] === 'plastic'
const memory = await watchMemory(folder)
const config = await readModelConfig(folder)
const manifest = await readRunManifest(folder)
const { lora } = manifest
const { trainable } = runGraphs(manifest, config, new Map())
const traced = new Set(plastic ? plasticTensors(config, trainable).keys() : [])
const tensors = createHostState(trainable, { traced })
if (lora === 'full') await loadParameters(folder, tensors)
else await initialAdapter(tensors, 1)

const random = createRandom('bench')
const examples = Array.from({ length: BATCH }, () => {
  const input_ids = Int32Array.from({ length }, () => random.integer(config.vocab_size))
  return { input_ids, labels: input_ids.map((id, t) => (t < length * (1 - share) ? NO_LOSS : id)) }
})
const labelled = totalLabelled(examples)
const sequences = examples.map((example) => [example])
const feeds = {
  ...collate(sequences, { total: labelled }),
  ...tensors.parameters,
  ...(typeof lora === 'string' ? {} : loraScale(lora.lora_alpha / lora.r)),
}
const rule = plasticStep(plasticOptionsSchema.parse({}), 0)
const session = await openNodeSession(join(folder, 'training_model.onnx'), { prepacking: false })
memory?.opened()
await reportSteps(optimizerStep(session, feeds, tensors, plastic ? rule : undefined), {
  name: `${lora === 'full' ? 'full' : 'lora'}-labels-${share}`,
  steps,
  tokens: BATCH * length,
  flops: matmulFlops(sizedGraph(), { batch: BATCH, sequence: length, labelled }),
  memory: memory?.atPeak,
})

/** The training graph once more, for its shapes; where the weights lie does not matter here. */
function sizedGraph() {
  const anywhere = { location: 'model.safetensors', offset: 0, length: 0 }
  const stored = { get: () => anywhere } as unknown as ReadonlyMap<string, ExternalData>
  return runGraphs(manifest, config, stored).training()
}
process.exit()

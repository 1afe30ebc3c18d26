/**
 * Times steps of DPO or of a reward model at GPT-2-small shape, as the artifacts say: `preferences.ts <artifacts> <steps>`
 * prints one JSON line. Four pairs of answers to prompts; DPO's reference was measured before.
 * @module
 */
import { join } from 'node:path'

import { factsOf } from '../../graphs/models/family.ts'
import { matmulFlops } from '../../graphs/flops.ts'
import type { ExternalData } from '../../graphs/ir/graph.ts'
import { isPooled } from '../../graphs/models/head.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { createRandom } from '../../src/random.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { createHostState } from '../../src/runtime/host_state.ts'
import { dpoObjective, measured } from '../../src/tasks/dpo/dpo.ts'
import { initialAdapter, initialHead } from '../../src/runs/initialise.ts'
import { rewardObjective } from '../../src/tasks/reward.ts'
import { runGraphs } from '../../src/runs/run_graphs.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
import { optimizerStep, reportSteps } from './steps.ts'

const PAIRS = 4
const PROMPT = 48
const ANSWER = 40
const LENGTH = PROMPT + ANSWER

const [folder, steps] = [process.argv[2]!, Number(process.argv[3])]
const config = await readModelConfig(folder)
const manifest = await readRunManifest(folder)
const { lora, head, task } = manifest
if (typeof lora === 'string') throw new Error('the model has adapters')
const tensors = createHostState((await runGraphs(manifest, config, new Map())).trainable)
await initialAdapter(tensors, 1)
if (isPooled(head)) await initialHead(tensors, config, 1)

const random = createRandom('bench')
const draw = (length: number) => Array.from({ length }, () => random.integer(config.vocab_size))
const pairs = Array.from({ length: PAIRS }, () => {
  const prompt = draw(PROMPT)
  return [0, 1].map(() => {
    const input_ids = Int32Array.of(...prompt, ...draw(ANSWER))
    return { input_ids, labels: input_ids.map((id, t) => (t < PROMPT ? NO_LOSS : id)) }
  })
})
const objective = isPooled(head)
  ? rewardObjective({ ...head, config, width: factsOf(config).width, seed: 1 })
  : dpoObjective(measured(new Float32Array(2 * PAIRS).fill(-ANSWER * Math.log(config.vocab_size))))
const rows = pairs.map((_, pair) => [2 * pair, 2 * pair + 1])
const feeds = {
  ...(await objective.feeds(pairs, { total: PAIRS, step: 1, first: 0, rows, all: pairs })),
  ...tensors.parameters,
  ...loraScale(lora.lora_alpha / lora.r),
}
const session = await openNodeSession(join(folder, 'training_model.onnx'), { prepacking: false })
// DPO computes a pair's prompt once.
const shape: Record<string, number> = isPooled(head)
  ? { batch: 2 * PAIRS, sequence: LENGTH }
  : { pairs: PAIRS, sequence: LENGTH + ANSWER, labelled: 2 * PAIRS * ANSWER }
await reportSteps(optimizerStep(session, feeds, tensors), {
  name: task,
  steps,
  tokens: 2 * PAIRS * LENGTH,
  flops: matmulFlops(await sizedGraph(), shape),
})

/** The training graph once more, for its shapes; where the weights lie does not matter here. */
async function sizedGraph() {
  const anywhere = { location: 'model.safetensors', offset: 0, length: 0 }
  const stored = { get: () => anywhere } as unknown as ReadonlyMap<string, ExternalData>
  return (await runGraphs(manifest, config, stored)).training()
}
process.exit()

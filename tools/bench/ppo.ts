/**
 * Times updates of PPO at GPT-2-small shape, from prompts to another policy: `ppo.ts <artifacts> <prepacking> <updates>`
 * prints one JSON line. The reward costs nothing, so what is timed is PPO alone. Linux tells what memory it takes.
 * @module
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'

import { loraScale } from '../../src/runtime/feeds.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { createRandom } from '../../src/random.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { createHostState } from '../../src/runtime/host_state.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import type { Session } from '../../src/runtime/session.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { initialAdapter } from '../../src/runs/initialise.ts'
import { miniBatches } from '../../src/tasks/ppo/mini_batches.ts'
import { trainingOptionsSchema } from '../../src/learning/options.ts'
import { updatePolicy } from '../../src/tasks/ppo/ppo.ts'
import { updateTimes } from '../../src/tasks/update_times.ts'
import { ppoOptionsSchema } from '../../src/tasks/ppo/options.ts'
import { openPolicy } from '../../src/tasks/ppo/policy.ts'
import { decodingGraph } from '../../graphs/inference/generation.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import { openGraph } from '../../src/models/open_graph.ts'
import { createStopwatch } from '../../src/learning/stopwatch.ts'
import { runGraphs } from '../../src/runs/run_graphs.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
import type { PpoMeasurement } from './measure.ts'
import { median, peakRss, timed, UPDATE_WARMUP } from './measure.ts'
import { anonymousMemory, mappedMemory } from './memory.ts'
import { turnDone, turns } from './paced.ts'

const PROMPT = 24
const RATE = 2e-6

const [folder, prepacking, updates] = [process.argv[2]!, process.argv[3] === 'true', Number(process.argv[4])]
// Every update makes all its steps, however far the policy moves.
const ppo = ppoOptionsSchema.parse({ reward: { function: 'none' }, early_stopping: false })
const options = trainingOptionsSchema.parse({})
const config = await readModelConfig(folder)
const manifest = await readRunManifest(folder)
const lora = manifest.lora
if (typeof lora === 'string') throw new Error('the policy has adapters')
const tensors = createHostState((await runGraphs(manifest, config, new Map())).trainable)
await initialAdapter(tensors, 1)

const model = (name: string) => join(folder, `${name}_model.onnx`)
const training = await openNodeSession(model('training'), { prepacking })
const evaluation = await openNodeSession(model('eval'), { prepacking, spinning: false })
const { session: decoding } = await openGraph(
  'the decoder',
  await openModelFolder(folder),
  (stored) => decodingGraph({ config, stored, lora }),
  nodeRuntime(),
  { prepacking, spinning: false },
)
const tokenizer = await loadTokenizer(folder)

const stopwatch = createStopwatch()
const linux = process.platform === 'linux'
/** Blocks of a run stay in its session's arena, so that what there is after a run is near the most that there was. */
let own = 0
const watch = (session: Session): Session => {
  const watched = stopwatch.watch('sessions', session)
  const run: Session['run'] = async (feeds, runOptions) => {
    const outputs = await watched.run(feeds, runOptions)
    if (linux) own = Math.max(own, anonymousMemory('self'))
    return outputs
  }
  return { ...watched, run }
}
const sessions = { training, evaluation, decoding, reference: null }
const policy = openPolicy(
  {
    sessions,
    config,
    tokenizer,
    stop_tokens: [tokenizer.eosId],
    ppo,
    tensors,
    constants: loraScale(lora.lora_alpha / lora.r),
  },
  watch,
)

const random = createRandom('bench')
const prompts = Array.from({ length: ppo.batch_size }, () => {
  const ids = Array.from({ length: PROMPT }, () => random.integer(config.vocab_size - 1))
  return { ids, text: tokenizer.decode(ids), references: [] }
})

async function update(step: number): Promise<void> {
  const responses = await stopwatch.time('generate', () => policy.respond(prompts, step))
  const scores = responses.map(({ text }) => (text.match(/e/g) ?? []).length / 10)
  const lengths = responses.map(({ tokens }) => tokens.length)
  const plan = miniBatches(lengths, { ...options, ...ppo }, 1, step)
  const steps = plan.filter(({ endsStep }) => endsStep).length
  const at = { klCoefficient: ppo.init_kl_coef, rate: RATE, optimizerSteps: (step - 1) * steps, step }
  await updatePolicy(policy, { options, ppo, tensors }, { responses, scores, plan, ...at }, stopwatch)
}

const turn = turns()
const seconds: number[] = []
const parts: Record<string, number>[] = []
for (let i = 0; i < UPDATE_WARMUP + updates; i++) {
  await turn()
  stopwatch.read()
  const time = await timed(() => update(i + 1))
  if (i >= UPDATE_WARMUP) {
    seconds.push(time)
    parts.push(updateTimes('ppo', stopwatch.read(), time))
  }
  turnDone()
}
const part = (name: string) => median(parts.map((times) => times[`time/ppo/${name}`]!))
const files = linux ? [...mappedMemory()] : []
const sizeOf = (some: typeof files) => some.reduce((sum, [, size]) => sum + size, 0)
const result: PpoMeasurement = {
  name: 'ppo',
  seconds_per_step: median(seconds),
  all: seconds,
  tokens_per_second: (ppo.batch_size * ppo.max_new_tokens) / median(seconds),
  generate: part('generate'),
  forward: part('forward_pass'),
  optimize: part('optimize_step'),
  session_share: part('session_share'),
  peak_rss_mb: linux ? own + sizeOf(files) : peakRss(),
  own_mb: own,
  weights_mb: sizeOf(files.filter(([path]) => path.endsWith('/model.safetensors'))),
  base_mb: statSync(join(folder, 'model.safetensors')).size / 2 ** 20,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit()

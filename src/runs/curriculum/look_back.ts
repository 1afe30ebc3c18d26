/** @module */
import { readModelConfig } from '../../formats/model_config.ts'
import type { Metrics } from '../../learning/listeners.ts'
import { initialState } from '../../learning/trainer_state.ts'
import { nodeRuntime } from '../../runtime/node_runtime.ts'
import { taskNamed } from '../../tasks/index.ts'
import { runDevice } from '../check_device.ts'
import { loadStart } from '../checkpoint.ts'
import { withOpenRun, withTensors } from '../open_run.ts'
import { readRunConfig } from '../run_config.ts'
import { readRunManifest } from '../run_manifest.ts'

/**
 * Evaluates a checkpoint of another run as a run evaluates what it starts from: on its own validation data. Nothing is written.
 */
export async function metricsFrom(run: string, checkpoint: string): Promise<Metrics> {
  const [settings, manifest] = [await readRunConfig(run), await readRunManifest(run)]
  const config = await readModelConfig(run)
  const about = { settings, manifest, config, runtime: nodeRuntime(runDevice(settings)) }
  const task = await taskNamed(settings.task).work()
  let found: Metrics | undefined
  const stop = new AbortController()
  await withTensors(about, async (tensors) => {
    await loadStart(checkpoint, tensors, manifest.lora)
    return withOpenRun(run, { ...about, tensors, state: initialState }, (open) =>
      task.train({
        ...open,
        host: { ...open.host, journal: async () => () => undefined },
        save: () => Promise.reject(new Error('no step is taken')),
        listeners: [
          {
            evaluation(record) {
              found = record
              stop.abort()
            },
          },
        ],
        signal: stop.signal,
      }),
    )
  })
  if (!found) throw new Error('the run was not evaluated before its first step')
  return found
}

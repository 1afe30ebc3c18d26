/** @module */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { continueRun } from '../../src/runs/continue.ts'
import type { Device } from '../../src/runtime/device.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import type { NodeSessionOptions } from '../../src/runtime/ort/options.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { createTinyRun } from './tiny_run.ts'

/** A node of a graph, and what ONNX Runtime ran it on. */
export interface ExecutedNode {
  readonly name: string
  readonly provider: string
}

interface ProfileEvent {
  readonly name: string
  readonly args?: { readonly provider?: string }
}

const rows = ['dog', 'cat', 'sea', 'hill'].map((word) => ({ text: `a ${word} is a thing` }))
const END = '_kernel_time'

/** The nodes of a training graph in the order of one step, on the tiny model. */
export async function executedNodes(folder: string, config: object): Promise<ExecutedNode[]> {
  const { run } = await createTinyRun(folder, rows, { ...config, max_steps: 1 })
  const runtimeOf = (device: Device): Runtime => {
    const runtime = nodeRuntime(device)
    return {
      ...runtime,
      open(model, options) {
        const name = typeof model === 'string' ? model : options?.name
        const profiled: NodeSessionOptions = { ...options, profilePrefix: join(folder, 'profile') }
        return runtime.open(model, name?.endsWith('training_model.onnx') ? profiled : options)
      },
    }
  }
  await continueRun(run, undefined, { runtimeOf })
  const file = (await readdir(folder)).find((name) => name.startsWith('profile'))!
  const events = JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[]
  return events.flatMap(({ name, args }) =>
    args?.provider !== undefined && name.endsWith(END)
      ? [{ name: name.slice(0, -END.length), provider: args.provider }]
      : [],
  )
}

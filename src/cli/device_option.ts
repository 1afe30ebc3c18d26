/** @module */
import { Option } from 'commander'

import type { ProviderOption } from '../runtime/device.ts'
import { PROVIDER_OPTIONS } from '../runtime/device.ts'
import { threadCount } from './number_argument.ts'
import { terminalText } from './terminal_text.ts'

/** Where a command computes. */
export interface DeviceFlags {
  provider?: ProviderOption
  threads?: number
}

/** What the commands that take a run compute on. */
export const AS_TRAINED = 'as the run was trained'

/** `--provider`, of the commands that run a model. */
export const providerOption = (byDefault = 'cpu'): Option =>
  new Option('--provider <name>', `what to compute on (default: ${byDefault})`).choices([...PROVIDER_OPTIONS])

/** `--threads`, of the same. */
export const threadsOption = (): Option =>
  new Option('--threads <n>', 'threads to compute with on the CPU').argParser(threadCount())

/** Where to compute; what `auto` has found, and why, is said on standard error. */
export async function deviceOf({ provider, threads }: DeviceFlags): Promise<DeviceFlags> {
  const device = { ...(provider ? { provider } : {}), ...(threads === undefined ? {} : { threads }) }
  if (provider === undefined) return device
  const { nodeRuntime } = await import('../runtime/node_runtime.ts')
  const chosen = await nodeRuntime(device).chosen?.()
  if (chosen !== undefined) process.stderr.write(`${terminalText(chosen)}\n`)
  return device
}

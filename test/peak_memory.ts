/** @module */
import { readFileSync } from 'node:fs'

/** Whether the system tells what memory belongs to a process, and why not. */
export const tellsMemory = [
  process.platform === 'linux',
  'Linux alone tells what memory belongs to a process',
] as const

/** The most memory that this process has had, in bytes. */
export const peakMemory = (): number =>
  1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])

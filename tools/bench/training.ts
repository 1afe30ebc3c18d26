/**
 * Times training steps at GPT-2-small shape: `training.ts <artifacts> <share of labels> <length of a row> <steps> [plastic]`
 * prints one JSON line; `plastic` has eligibility traces and a plastic update after each step.
 * A process of its own, so that its peak memory is its own.
 * @module
 */
import { resolve } from 'node:path'

import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { watchMemory } from './memory.ts'
import { reportSteps } from './steps.ts'
import { openTrainingStep } from './training_step.ts'

const ROWS = 4

const folder = resolve(process.argv[2]!)
const [share, length, steps] = process.argv.slice(3, 6).map(Number) as [number, number, number]
const memory = await watchMemory(folder)
const shape = { rows: ROWS, length, share, plastic: process.argv[6] === 'plastic' }
const { step, full, flops } = await openTrainingStep(folder, nodeRuntime(), shape)
memory?.opened()
await reportSteps(step, {
  name: `${full ? 'full' : 'lora'}-labels-${share}`,
  steps,
  tokens: ROWS * length,
  flops,
  memory: memory?.atPeak,
})
process.exit()

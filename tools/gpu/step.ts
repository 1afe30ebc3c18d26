/**
 * Times a training step on a device: `step.ts <artifacts> <provider> <rows> <tokens of a row> <steps>` prints a line of JSON. A process of
 * its own, so that the device's memory is its own.
 * @module
 */
import { PROVIDER_OPTIONS } from '../../src/runtime/device.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { median } from '../bench/measure.ts'
import { openTrainingStep } from '../bench/training_step.ts'

const WARMUP = 5

async function main(): Promise<void> {
  const [folder, name, ...numbers] = process.argv.slice(2)
  const provider = PROVIDER_OPTIONS.find((option) => option === name)!
  const [rows, length, steps] = numbers.map(Number) as [number, number, number]
  const { step } = await openTrainingStep(folder!, nodeRuntime({ provider }), { rows, length })
  const seconds: number[] = []
  let loss = NaN
  for (let i = 0; i < WARMUP + steps; i++) {
    const began = performance.now()
    loss = await step()
    if (i >= WARMUP) seconds.push((performance.now() - began) / 1000)
  }
  process.stdout.write(`${JSON.stringify({ loss, seconds_per_step: median(seconds) })}\n`)
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
process.exit()

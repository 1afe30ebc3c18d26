/**
 * The timed loop of the training workloads: each step beside the sgemm ceiling, in turns with a peer.
 * @module
 */
import type { Session, Tensors } from '../../src/runtime/session.ts'
import type { PlasticStep, TrainingState } from '../../src/runtime/training_state.ts'
import { openCeiling } from './ceiling.ts'
import type { Measurement } from './measure.ts'
import { median, peakRss, timed, WARMUP } from './measure.ts'
import type { StepMemory } from './memory.ts'
import { turnDone, turns } from './paced.ts'

/** A function that makes one optimizer step and gives its loss: gradients from the session, then AdamW, then what a plastic rule says. */
export function optimizerStep(
  session: Session,
  feeds: Tensors,
  tensors: TrainingState,
  plastic?: PlasticStep,
): () => Promise<number> {
  let stepCount = 0
  return async () => {
    const { loss } = await session.run(feeds, { into: tensors.gradients })
    await tensors.step({
      learningRate: 1e-4,
      step: ++stepCount,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
      maxGradNorm: 1,
      ...(plastic ? { plastic } : {}),
    })
    return loss!.data[0] as number
  }
}

export interface TimedSteps {
  readonly name: string
  readonly steps: number
  /** Of a step, padding included. */
  readonly tokens: number
  /** Of a step's matrix products. */
  readonly flops: number
  /** Asked once the peak is known. */
  readonly memory?: (() => StepMemory) | undefined
}

/** Takes the steps in turns, and prints what they measure as one JSON line. */
export async function reportSteps(
  step: () => Promise<unknown>,
  { name, steps, tokens, flops, memory }: TimedSteps,
): Promise<void> {
  const turn = turns()
  for (let i = 0; i < WARMUP; i++) {
    await turn()
    await step()
    turnDone()
  }
  // The ceiling's own memory comes after the peak has been read.
  const parts = memory?.()
  const peak = peakRss()
  const ceiling = await openCeiling()
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
    name,
    seconds_per_step: median(seconds),
    all: seconds,
    tokens_per_second: tokens / median(seconds),
    peak_rss_mb: peak,
    ...parts,
    of_ceiling: median(seconds.map((time, i) => flops / time / ceilings[i]!)),
    ceiling_gflops: median(ceilings) / 1e9,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

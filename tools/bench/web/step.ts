/**
 * One side of the benchmark, in the worker of its tab.
 * @module
 */
import type { WebProvider } from '../../../src/runtime/web.ts'
import type { StepShape } from './shape.ts'

const sides = {
  ortune: async () => (await import('./ortune_step.ts')).openOrtuneStep,
  jax: async () => (await import('./jax_step.ts')).openJaxStep,
}

export interface OpenStep {
  readonly side: keyof typeof sides
  readonly provider: WebProvider
  readonly shape: StepShape
}

export interface TakenStep {
  readonly loss: number
  readonly seconds: number
}

let take: (() => Promise<number>) | undefined

/** Opens the step of a side. */
export async function open({ side, provider, shape }: OpenStep): Promise<void> {
  take = await (await sides[side]())(provider, shape)
}

/** Makes one; it is over when its loss is known and its parameters are there. */
export async function step(): Promise<TakenStep> {
  if (!take) throw new Error('no step has been opened')
  const start = performance.now()
  const loss = await take()
  return { loss, seconds: (performance.now() - start) / 1000 }
}

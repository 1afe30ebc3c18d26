/**
 * A training state in the memory of the host; see `parameter_memory.ts`.
 * @module
 */
import type { ParameterMemory } from './parameter_memory.ts'
import { createParameterMemory } from './parameter_memory.ts'
import type { Feeds, HostTensor } from './session.ts'
import type { Slot, StateOptions, TrainingState } from './training_state.ts'

const VIEW = {
  parameter: 'parameter',
  exp_avg: 'firstMoment',
  exp_avg_sq: 'secondMoment',
  eligibility: 'eligibility',
} as const

/** Zeros for all tensors. */
export const createHostState = (
  shapes: ReadonlyMap<string, readonly number[]>,
  options: StateOptions = {},
): TrainingState => hostState(createParameterMemory(shapes, options))

/** The same over a memory that is there already. */
export function hostState(memory: ParameterMemory): TrainingState {
  const { names } = memory
  const feeds = (suffix: string, view: 'parameter' | 'gradient'): Feeds =>
    Object.fromEntries(
      names.map((name): [string, HostTensor] => {
        const { shape, [view]: data } = memory.views(name)
        return [`${name}${suffix}`, { dtype: 'float32', dims: shape, data }]
      }),
    )
  const viewOf = (name: string, slot: Slot): Float32Array => {
    const view = memory.views(name)[VIEW[slot]]
    if (!view) throw new Error(`${name} has no ${slot}`)
    return view
  }
  return {
    names,
    shape: (name) => memory.views(name).shape,
    slots: (name) =>
      memory.views(name).eligibility ? ['exp_avg', 'exp_avg_sq', 'eligibility'] : ['exp_avg', 'exp_avg_sq'],
    parameters: feeds('', 'parameter'),
    gradients: feeds('_grad', 'gradient'),
    accumulate: async () => memory.accumulateGradients(),
    discard: () => memory.discardGradients(),
    step: async (settings) => memory.step(settings),
    read: async (name, slot) => viewOf(name, slot),
    write: async (name, slot, data) => viewOf(name, slot).set(data),
    release: async () => {},
  }
}

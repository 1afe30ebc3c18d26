/**
 * A training state in the memory of the host; see `parameter_memory.ts`.
 * @module
 */
import type { ParameterMemory, ParameterViews } from './parameter_memory.ts'
import { createParameterMemory } from './parameter_memory.ts'
import type { Feeds, HostTensor } from './session.ts'
import type { Slot, TrainingState } from './training_state.ts'

const VIEW = {
  parameter: 'parameter',
  exp_avg: 'firstMoment',
  exp_avg_sq: 'secondMoment',
} as const satisfies Record<Slot, keyof ParameterViews>

/** @param accumulate whether a step has several micro-batches; it takes 20 bytes a parameter in place of 16 */
export const createHostState = (
  shapes: ReadonlyMap<string, readonly number[]>,
  { accumulate = false }: { readonly accumulate?: boolean } = {},
): TrainingState => hostState(createParameterMemory(shapes, { accumulate }))

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
  return {
    names,
    shape: (name) => memory.views(name).shape,
    parameters: feeds('', 'parameter'),
    gradients: feeds('_grad', 'gradient'),
    accumulate: () => memory.accumulateGradients(),
    discard: () => memory.discardGradients(),
    step: async (settings) => ({ ...memory.adamwStep(settings), skipped: false }),
    read: async (name, slot) => memory.views(name)[VIEW[slot]],
    write: async (name, slot, data) => memory.views(name)[VIEW[slot]].set(data),
  }
}

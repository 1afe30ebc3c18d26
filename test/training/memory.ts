/**
 * A training state's tensors as tests look at them.
 * @module
 */
import { hostState } from '../../src/runtime/host_state.ts'
import type { ParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { Tensors } from '../../src/runtime/session.ts'

/** The trainable tensors as graph inputs: views of the memory, so that an update needs no new feeds. */
export const parameterFeeds = (memory: ParameterMemory): Tensors => hostState(memory).parameters

/** Where the training graph writes its gradients. */
export const gradientTargets = (memory: ParameterMemory): Tensors => hostState(memory).gradients

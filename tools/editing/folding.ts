/**
 * Phase 3 of NPT as a way to edit, and what takes a text's m̄ in its place: ΔW ← ΔW + s·A·diag(m)·B.
 * @module
 */
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import type { Random } from '../../src/random.ts'
import { createRandom } from '../../src/random.ts'
import type { Bench, Method } from './method.ts'
import { less, randomLike } from './modulations.ts'
import { text } from './prompts.ts'

/** What is folded for a text whose own modulation is m̄. */
type Folded = (own: Float32Array, bench: Bench, random: Random) => Float32Array

export const itself: Folded = (own) => own

/** What all texts have in common. */
export const constant: Folded = (_, { meanModulation }) => meanModulation

/** What a text has of its own. */
export const ownPart: Folded = (own, { meanModulation }) => less(own, meanModulation)

export const random: Folded = (own, { model }, drawn) => randomLike(own, model.lora.r, drawn)

export const folding = (folded: Folded): Pick<Method, 'begins' | 'teaching'> => ({
  begins: async ({ consolidator, meanModulation }) =>
    consolidator.update(new Float32Array(meanModulation.length)).tensors,
  teaching: (bench, strength, seed) => async (fact, number) => {
    const { consolidator, model } = bench
    const own = await consolidator.modulation(encodeText(model.tokenizer, text(fact)))
    const update = folded(own, bench, createRandom(seed, 'random modulation', number))
    await model.add(consolidator.update(update).tensors, strength)
  },
})

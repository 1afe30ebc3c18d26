/**
 * Learning a text by folding what it does to plastic blocks into the adapter, as `ortune consolidate` does.
 *
 *     ΔW ← ΔW + s·A·diag(m̄)·B,   of s = 2, 1, ½ … that by which the text gains most while held-out texts stay likely enough
 *
 * A fold makes likelier what is like the texts that the blocks were trained on. Where it gives less than is wanted, the rest is
 * learned by steps on the same adapter.
 * @module
 */
import type { AdapterTensors, Learner } from './learner.ts'
import { LEAST } from './teaching.ts'
import type { Teaching } from './teaching.ts'

/** The update that texts (token ids) fold together, whose lora_A is that of the adapter. */
export type Fold = (texts: readonly (readonly number[])[]) => Promise<{ readonly tensors: AdapterTensors }>

const STRENGTHS = [2, 1, 0.5, 0.25, 0.125]

/** @param rest how what a fold does not teach is learned */
export const foldingOn =
  (learner: Learner, fold: Fold, rest: Teaching): Teaching =>
  async (example, watch) => {
    const { texts, ceiling } = watch
    const start = await learner.snapshot()
    const before = await learner.logProbability(example)
    const { tensors: update } = await fold([[...example.input_ids]])
    const folded = (strength: number): AdapterTensors =>
      new Map(
        [...start].map(([name, { shape, data }]) => {
          const more = update.get(name)!.data
          const sum = name.endsWith('.lora_B.weight') ? data.map((b, i) => b + strength * more[i]!) : data
          return [name, { shape, data: sum }]
        }),
      )

    let best = { strength: 0, gain: 0 }
    for (const strength of STRENGTHS) {
      await learner.restore(folded(strength))
      const gain = (await learner.logProbability(example)) - before
      if (gain > best.gain && (await learner.perplexity(texts.heldOut)) <= ceiling) best = { strength, gain }
    }
    await learner.restore(best.gain > 0 ? folded(best.strength) : start)
    if (best.gain >= LEAST) return { steps: 0, strength: best.strength, kept: true }
    const taught = await rest(example, watch)
    if (!taught.kept) await learner.restore(start)
    return { ...taught, strength: best.strength }
  }

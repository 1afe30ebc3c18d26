/**
 * Learning a text by folding what it does to plastic blocks into the adapter, as `ortune consolidate` does.
 *
 *     ΔW ← ΔW + s·A·diag(m̄)·B,   s = 1, ½, ¼ … until held-out texts are likely enough
 * @module
 */
import type { AdapterTensors, Learner } from './learner.ts'
import type { Teaching } from './teaching.ts'

/** The update that texts (token ids) fold together, whose lora_A is that of the adapter. */
export type Fold = (texts: readonly (readonly number[])[]) => Promise<{ readonly tensors: AdapterTensors }>

const TRIES = 4

export const foldingOn =
  (learner: Learner, fold: Fold): Teaching =>
  async ({ input_ids }, { texts, ceiling }) => {
    const start = await learner.snapshot()
    const { tensors: update } = await fold([[...input_ids]])
    for (let tries = 1; tries <= TRIES; tries++) {
      const strength = 2 ** (1 - tries)
      const added = [...start].map(([name, { shape, data }]) => {
        const more = update.get(name)!.data
        const sum = name.endsWith('.lora_B.weight') ? data.map((b, i) => b + strength * more[i]!) : data
        return [name, { shape, data: sum }] as const
      })
      await learner.restore(new Map(added))
      if ((await learner.perplexity(texts.heldOut)) <= ceiling) return { steps: tries, kept: true }
    }
    await learner.restore(start)
    return { steps: TRIES, kept: false }
  }

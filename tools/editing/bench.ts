/** @module */
import { openConsolidator } from '../../src/exports/consolidator.ts'
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import { findModel } from '../../src/models/find_model.ts'
import { freshAdapter } from '../../src/runs/lessons/starting_adapter.ts'
import { createClosing } from '../../src/runtime/closing.ts'
import { openEditedModel } from './edited_model.ts'
import type { Fact } from './facts.ts'
import type { Bench } from './method.ts'
import { meanOf } from './modulations.ts'
import { text } from './prompts.ts'

/** Training texts whose m̄ make the constant one. */
const TEXTS = 200

/**
 * Opens a run of phase 3 and the model below it, with an adapter on the modules of its plastic blocks, of their rank.
 *
 * @param known what the plastic blocks learned from
 */
export async function openBench(
  run: string,
  known: readonly Fact[],
): Promise<Bench & { release(): Promise<void> }> {
  const closing = createClosing()
  try {
    const consolidator = closing.add(await openConsolidator(run, { threads: 1 }))
    const { tokenizer } = consolidator
    const some = known.filter((_, i) => i % Math.ceil(known.length / TEXTS) === 0)
    const modulations: Float32Array[] = []
    for (const fact of some)
      modulations.push(await consolidator.modulation(encodeText(tokenizer, text(fact))))
    const meanModulation = meanOf(modulations)
    const { r, lora_alpha, target_modules, tensors } = consolidator.update(meanModulation)
    const { base } = await findModel(run)
    const model = closing.add(await openEditedModel({ base }, { r, lora_alpha, target_modules, tensors }))
    const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]))
    return {
      ...{ model, consolidator, meanModulation },
      fresh: (seed) => freshAdapter(shapes, seed),
      release: () => closing.close(),
    }
  } catch (error) {
    await closing.close()
    throw error
  }
}

/**
 * Learning a text by a few steps of AdamW and of the plastic update, while other texts are rehearsed.
 *
 *     loss = nll(text) + ρ·nll(rehearsed),   each a mean over tokens
 *
 * Steps end as soon as the text has become likely enough. Where held-out texts have then become less likely than they may, all is
 * undone and tried anew more gently: half the rate, twice the ρ, half of what is wanted.
 * @module
 */
import { optimizerStep } from '../../learning/loop.ts'
import { plasticOptionsSchema, trainingOptionsSchema } from '../../learning/options.ts'
import type { TrainingOptions } from '../../learning/options.ts'
import { improvementOf, runningMean } from '../../learning/plastic.ts'
import { createRandom } from '../../random.ts'
import type { Learner } from './learner.ts'
import { LEAST } from './teaching.ts'
import type { Taught, Teaching } from './teaching.ts'

const ATTEMPTS = 4

/** Of an attempt, at most. */
const STEPS = 30

/** Rehearsed texts of a step, and ρ of the first attempt. */
const [REHEARSED, WEIGHT] = [8, 3]

/** The part of the text's negative log-likelihood that is wanted to go. */
const SHARE = 0.5

/** The published rule at a rate that shows within a dozen steps; its own is that of thousands. */
const PLASTIC = plasticOptionsSchema.parse({ plasticity_lr: 0.1 })

/** @param plastic the run's options of the plastic update, where it has some */
export const stepsOn =
  (learner: Learner, plastic: TrainingOptions['plastic'] = PLASTIC): Teaching =>
  async (example, { texts, ceiling, number }): Promise<Taught> => {
    const options = { ...trainingOptionsSchema.parse({}), plastic }
    const start = await learner.snapshot()
    const before = await learner.logProbability(example)
    let steps = 0

    /** Takes steps until the text is likelier by so many nats; returns by how many it is at the end. */
    async function attempt(wanted: number, rate: number, weight: number): Promise<number> {
      // What earlier lessons left in the optimizer does not count, so that a lesson depends on the adapter alone.
      await learner.restore(start)
      let mean: number | undefined
      let gain = 0
      for (let step = 1; step <= STEPS; step++) {
        const random = createRandom(options.seed, 'rehearsal', number, step)
        const others = Array.from(
          { length: REHEARSED },
          () => texts.rehearsal[random.integer(texts.rehearsal.length)]!,
        )
        const reward = -(await learner.gradients(example, others, weight))
        steps++
        await learner.tensors.step(optimizerStep(options, step, rate, improvementOf(mean, reward)))
        mean = runningMean(mean, reward)
        gain = (await learner.logProbability(example)) - before
        if (gain >= wanted) break
      }
      return gain
    }

    for (let gentler = 1; gentler < 2 ** ATTEMPTS; gentler *= 2) {
      const wanted = Math.max(LEAST, (-before * SHARE) / gentler)
      const gain = await attempt(wanted, learner.learningRate / gentler, WEIGHT * gentler)
      if (gain > 0 && (await learner.perplexity(texts.heldOut)) <= ceiling) return { steps, kept: true }
    }
    await learner.restore(start)
    return { steps, kept: false }
  }

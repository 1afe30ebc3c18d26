/**
 * k steps on a fact's text, each of AdamW, of the plastic update, or of both. What the optimizer keeps begins anew with each fact.
 * @module
 */
import type { PlasticConfig } from '../../graphs/optimizers/plastic.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { optimizerStep } from '../../src/learning/loop.ts'
import { trainingOptionsSchema } from '../../src/learning/options.ts'
import { improvementOf, runningMean } from '../../src/learning/plastic.ts'
import type { EditedModel } from './edited_model.ts'
import type { Method } from './method.ts'
import { answer, asExample, prompt } from './prompts.ts'

/** k */
export const STEPS = 5

/** What steps are made with at a strength. */
export interface Rates {
  /** Of AdamW; 0 leaves the weights to the plastic update. */
  readonly learningRate: number
  readonly plastic?: PlasticConfig
}

/** The published constants. */
export const PUBLISHED: Omit<PlasticConfig, 'plasticity_lr'> = {
  gamma: 0.95,
  beta: 1,
  lambda_decay: 0.01,
  third_factor: 'published',
}

const options = trainingOptionsSchema.parse({})

/** Takes k steps. @param gradients fills them, and returns the loss */
export async function takeSteps(
  model: EditedModel,
  { learningRate, plastic }: Rates,
  gradients: () => Promise<number>,
): Promise<void> {
  await model.forgetSteps()
  let mean: number | undefined
  for (let step = 1; step <= STEPS; step++) {
    const reward = -(await gradients())
    const improvement = improvementOf(mean, reward)
    await model.step(optimizerStep({ ...options, plastic }, step, learningRate, improvement))
    mean = runningMean(mean, reward)
  }
}

export const stepping = (rates: (strength: number) => Rates): Pick<Method, 'begins' | 'teaching'> => ({
  begins: ({ fresh }, seed) => fresh(seed),
  teaching:
    ({ model }, strength) =>
    async (fact) => {
      const example: EncodedExample = asExample(model.tokenizer, prompt(fact), answer(fact))
      await takeSteps(model, rates(strength), () => model.gradients(example, [], 0))
    },
})

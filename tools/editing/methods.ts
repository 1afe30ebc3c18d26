/**
 * The ways to edit that are compared. All with adapters change the same matrices with the same rank, and all that take steps take as many.
 * @module
 */
import type { PlasticConfig } from '../../graphs/optimizers/plastic.ts'
import { distilling } from './distilling.ts'
import { constant, folding, itself, ownPart, random } from './folding.ts'
import type { Method } from './method.ts'
import { inContext } from './prompts.ts'
import { PUBLISHED, stepping } from './stepping.ts'

export const METHOD_NAMES = [
  'nothing',
  'consolidation',
  'consolidation_gentle',
  'own_part',
  'constant',
  'random',
  'lora',
  'plastic_published',
  'plastic_untraced',
  'plastic_reward',
  'plastic_none',
  'plastic_alone',
  'distillation',
  'in_prompt',
] as const
export type MethodName = (typeof METHOD_NAMES)[number]

const FOLDED = [1, 0.5, 0.25, 0.12, 0.06, 0.03]
const FOLDING = 0.12
const multiplied = (chosen: number): Method['strength'] => ({ meaning: 's', chosen, tried: FOLDED })

const RATES = [1e-4, 2e-4, 4e-4, 6e-4, 8e-4, 1.6e-3]
const rate = (chosen: number): Method['strength'] => ({ meaning: 'learning rate', chosen, tried: RATES })

const ETAS = [0.01, 0.03, 0.1, 0.3, 1]
const eta = (chosen: number, tried = ETAS): Method['strength'] => ({ meaning: 'η', chosen, tried })

/** That of AdamW beside a plastic update: the one that was chosen for it alone. */
const LORA_RATE = 6e-4

const plastic = (given: Partial<PlasticConfig>) =>
  stepping((plasticity_lr) => ({
    learningRate: LORA_RATE,
    plastic: { ...PUBLISHED, ...given, plasticity_lr },
  }))

/** Begins as the model was, and stays. */
const unchanged: Pick<Method, 'strength' | 'begins' | 'teaching'> = {
  strength: undefined,
  begins: ({ fresh }, seed) => fresh(seed),
  teaching: () => async () => undefined,
}

export const methods: Readonly<Record<MethodName, Method>> = {
  nothing: { label: 'nothing', ...unchanged },
  consolidation: { label: 'phase 3, s = 1', strength: undefined, ...folding(itself) },
  consolidation_gentle: { label: 'phase 3', strength: multiplied(FOLDING), ...folding(itself) },
  own_part: { label: 'phase 3, less the mean m̄', strength: multiplied(0.12), ...folding(ownPart) },
  constant: { label: 'constant m̄', strength: multiplied(0.12), ...folding(constant) },
  // As strong as the text's own, so that what differs is its direction.
  random: { label: 'random m̄', strength: { meaning: 's', chosen: FOLDING, tried: [] }, ...folding(random) },
  lora: {
    label: 'LoRA steps',
    strength: rate(LORA_RATE),
    ...stepping((learningRate) => ({ learningRate })),
  },
  plastic_published: { label: 'LoRA + plastic, published', strength: eta(0.1), ...plastic({}) },
  plastic_untraced: { label: 'LoRA + plastic, γ = 0', strength: eta(0.1), ...plastic({ gamma: 0 }) },
  plastic_reward: {
    label: 'LoRA + plastic, reward',
    strength: eta(0.01),
    ...plastic({ third_factor: 'reward' }),
  },
  plastic_none: { label: 'LoRA + plastic, none', strength: eta(0.01), ...plastic({ third_factor: 'none' }) },
  plastic_alone: {
    label: 'plastic alone, published',
    strength: eta(1, [0.1, 0.3, 1, 3, 10, 30]),
    ...stepping((plasticity_lr) => ({ learningRate: 0, plastic: { ...PUBLISHED, plasticity_lr } })),
  },
  distillation: { label: 'context distillation', strength: rate(2e-4), ...distilling },
  in_prompt: { label: 'text in the prompt', ...unchanged, context: inContext },
}

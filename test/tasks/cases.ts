/**
 * The smallest run of each task; see `invariants.ts`.
 * @module
 */
import type { TaskName } from '../../src/tasks/index.ts'
import type { TaskCase } from './invariants.ts'

const texts = ['a dog is an animal', 'the sea', 'a tree has leaves, a house has none', 'it rains today']
const pairs = [
  { prompt: 'a dog is', chosen: ' an animal', rejected: ' a thing' },
  { prompt: 'the sea is', chosen: ' water', rejected: ' a kind of a kind' },
  { prompt: 'a hill is', chosen: ' a small mountain', rejected: ' up' },
  { prompt: 'a lamp', chosen: ' gives light', rejected: ' it it it' },
]

const npt = { rank: 3, modulation_scale: 0.7, init_scale: 0.5, layers: 'all' }
const plastic = {
  rows: texts.map((text) => ({ text })),
  config: { lora: undefined, template: { text: '{{ text }}' }, npt },
}

const words = ['dog', 'cat', 'tree', 'sea'].map((word) => ({
  prompt: `Word: ${word} ;`,
  completion: ' a thing',
}))
const groups = {
  reward_funcs: [{ metric: 'rougeL' }, { pattern: '^[a-m]' }],
  ...{ num_generations: 2, max_completion_length: 6 },
}

const cutOtherwise = {
  reason: "what is logged of tokens is a mean over batches, as TRL's",
  tests: 'grpo_run.test.ts, "learns the same however it is cut into batches"',
}

export const cases: Readonly<Record<TaskName, TaskCase>> = {
  sft: {
    rows: pairs,
    config: {
      template: { prompt: '{{ prompt }}', completion: '{{ chosen }}<|endoftext|>' },
      lora: { r: 4, lora_alpha: 8, lora_dropout: 0.2, use_rslora: true },
      sft: { label_smoothing_factor: 0.1, neftune_noise_alpha: 5, dropout: 'model' },
    },
  },
  classification: {
    rows: texts.map((text, i) => ({ text, label: i % 2 === 0 ? 'thing' : 'place' })),
    config: { classifier_dropout: 0.25, classification: { dropout: 'model', label_smoothing_factor: 0.1 } },
  },
  reward: {
    rows: pairs,
    config: { classifier_dropout: 0.25, lora: { r: 4, lora_alpha: 8, lora_dropout: 0.1 } },
  },
  dpo: { rows: pairs, config: {} },
  orpo: {
    rows: pairs,
    config: { lora: { r: 4, lora_alpha: 8, modules_to_save: ['wte', 'lm_head'] } },
  },
  simpo: { rows: pairs, config: {} },
  kto: { rows: pairs, config: {} },
  ppo: {
    rows: words,
    config: {
      ppo: {
        reward: { metric: 'rougeL' },
        ...{ batch_size: 4, mini_batch_size: 2, max_new_tokens: 6 },
      },
    },
    skip: {
      cut: {
        reason: 'a mini-batch is a step of its own',
        tests:
          'ppo_run.test.ts, "does the same with mini-batches that are accumulated as with one large one"',
      },
    },
  },
  grpo: { rows: words, config: { grpo: groups }, skip: { cut: cutOtherwise } },
  rloo: { rows: words, config: { rloo: groups }, skip: { cut: cutOtherwise } },
  neuroplastic: {
    rows: pairs,
    config: {
      template: { prompt: '{{ prompt }}', completion: '{{ chosen }}<|endoftext|>' },
      neuroplastic: { target_length: 3, max_new_tokens: 6, norm_steps: 2 },
    },
  },
  equivalence: plastic,
  consolidation: plastic,
}

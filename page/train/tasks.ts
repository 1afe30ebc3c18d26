/** The tasks that the page teaches, in its words. @module */
import type { TaskName } from '../../src/web.ts'

export type PageTask = Extract<TaskName, 'sft' | 'classification' | 'dpo' | 'ppo'>

/** One set of axes: its curves by their keys in the log. */
export interface Panel {
  readonly title: string
  readonly curves: Readonly<Record<string, string>>
}

export interface Sample {
  readonly file: string
  readonly label: string
}

interface PageTaskFacts {
  readonly label: string
  /** What it teaches, in a few words. */
  readonly says: string
  /** What rows it takes. */
  readonly takes: string
  /** The column that plain lines are. */
  readonly lines: 'text' | 'prompt'
  readonly samples: readonly Sample[]
  readonly panels: readonly Panel[]
  /** Whether what it trains writes texts. */
  readonly writes: boolean
  readonly steps: number
  readonly batch: number
  /** Options under the key of the task. */
  readonly options?: (batch: number) => object
}

const LOSS: Panel = { title: 'Loss', curves: { training: 'loss', validation: 'eval_loss' } }

export const tasks: Readonly<Record<PageTask, PageTaskFacts>> = {
  sft: {
    label: 'Write',
    says: 'Texts, instructions or chats as your examples are.',
    takes:
      'Columns such as text; prompt and completion; instruction and response; question and answer; messages of a chat.',
    lines: 'text',
    samples: [
      { file: 'instructions.csv', label: 'Instructions' },
      { file: 'dictionary.csv', label: 'Definitions' },
      { file: 'chats.jsonl', label: 'Chats' },
    ],
    panels: [LOSS],
    writes: true,
    steps: 60,
    batch: 8,
  },
  classification: {
    label: 'Classify',
    says: 'Which of some classes a text belongs to.',
    takes: 'Columns text and label; or sentence1, sentence2 and label.',
    lines: 'text',
    samples: [{ file: 'part_of_speech.csv', label: 'Parts of speech' }],
    panels: [LOSS, { title: 'Accuracy', curves: { training: 'accuracy', validation: 'eval_accuracy' } }],
    writes: false,
    steps: 60,
    batch: 16,
  },
  dpo: {
    label: 'Prefer',
    says: 'Which of two answers you like better: pairs, or your thumbs (DPO).',
    takes: 'Columns prompt, chosen and rejected.',
    lines: 'text',
    samples: [{ file: 'preferences.csv', label: 'Preferences' }],
    panels: [
      LOSS,
      {
        title: 'Pairs told apart',
        curves: { training: 'rewards/accuracies', validation: 'eval_rewards/accuracies' },
      },
    ],
    writes: true,
    steps: 40,
    batch: 8,
  },
  ppo: {
    label: 'Reward',
    says: 'What a small function of yours scores higher (PPO).',
    takes: 'A prompt a line, or a column of prompts: prompt, instruction, question or word.',
    lines: 'prompt',
    samples: [{ file: 'words.csv', label: 'Words' }],
    panels: [
      { title: 'Mean reward', curves: { training: 'env/reward_mean', validation: 'eval_reward' } },
      {
        title: 'Divergence (nats)',
        curves: { training: 'objective/kl', validation: 'eval_kl' },
      },
    ],
    writes: true,
    steps: 20,
    batch: 16,
    options: (batch) => ({
      batch_size: batch,
      mini_batch_size: Math.min(8, batch),
      max_new_tokens: 24,
      temperature: 1,
      init_kl_coef: 0.05,
      target: 4,
    }),
  },
}

export const PAGE_TASKS = Object.keys(tasks) as readonly PageTask[]

/** Whether what a run of the task trains names classes; runs of tasks that the page does not teach may be there, too. */
export const namesClasses = (task: TaskName): boolean => task in tasks && !tasks[task as PageTask].writes

/**
 * What is said of a policy by its answers.
 * @module
 */
import type { CheckpointName } from '../models/find_model.ts'
import type { Interval } from '../metrics/bootstrap.ts'
import { bootstrapInterval } from '../metrics/bootstrap.ts'
import { distinctN } from '../metrics/distinct.ts'
import type { TextMetrics } from '../metrics/text_metrics.ts'
import { textMetrics } from '../metrics/text_metrics.ts'
import { moments } from '../metrics/moments.ts'
import type { Policy } from './judge_policies.ts'

export interface AnswerJudgement {
  /** Without end of text, and without white space around it. */
  readonly text: string
  readonly reward: number
  /** Without the end of text. */
  readonly tokens: number
  /** Whether the policy ended it itself, or it was cut off. */
  readonly ended: boolean
  /** Σ_t log π − log π_before over its tokens, end of text included, in nats; null where no model before is known. */
  readonly kl: number | null
}

export interface PolicyJudgement {
  /** The folder, with the checkpoint where it is a run's. */
  readonly name: string
  readonly folder: string
  readonly checkpoint: CheckpointName | null
  /** `low` and `high`: the 95 % bootstrap interval of the mean. */
  readonly reward: Interval & { readonly standard_deviation: number }
  /**
   * Mean over the answers, of the model before training. Of answers drawn at temperature 1 from all tokens it estimates
   * KL(π‖π_before); of others, such as greedy ones, it is that of these answers and may be below 0.
   */
  readonly kl: number | null
  /** Mean over the answers, by the policy's own tokenizer. */
  readonly tokens: number
  /** Share of the answers that the policy ended itself. */
  readonly ended: number
  /** Likeness to the preferred answers, over the prompts that have some; null where none has. */
  readonly text_metrics: Pick<TextMetrics, 'bleu' | 'rouge1' | 'rouge2' | 'rougeL'> | null
  readonly distinct1: number
  readonly distinct2: number
}

/**
 * A policy by its answers.
 *
 * @param references the preferred answers to each prompt; may be none
 */
export function summarise(
  { name, folder, checkpoint }: Pick<Policy, 'name' | 'folder' | 'checkpoint'>,
  answers: readonly AnswerJudgement[],
  references: readonly (readonly string[])[],
  seed: number,
): PolicyJudgement {
  const rewards = answers.map(({ reward }) => reward)
  const kl = answers.flatMap((answer) => answer.kl ?? [])
  const texts = answers.map(({ text }) => text)
  return {
    name,
    folder,
    checkpoint,
    reward: {
      ...bootstrapInterval(rewards, { seed }),
      standard_deviation: Math.sqrt(moments(rewards).variance),
    },
    kl: kl.length === 0 ? null : moments(kl).mean,
    tokens: moments(answers.map(({ tokens }) => tokens)).mean,
    ended: answers.filter(({ ended }) => ended).length / answers.length,
    text_metrics: likeness(texts, references),
    distinct1: distinctN(texts, 1),
    distinct2: distinctN(texts, 2),
  }
}

function likeness(
  texts: readonly string[],
  references: readonly (readonly string[])[],
): PolicyJudgement['text_metrics'] {
  const answered = [...texts.keys()].filter((i) => references[i]!.length > 0)
  if (answered.length === 0) return null
  const { bleu, rouge1, rouge2, rougeL } = textMetrics(
    answered.map((i) => texts[i]!),
    answered.map((i) => references[i]!),
  )
  return { bleu, rouge1, rouge2, rougeL }
}

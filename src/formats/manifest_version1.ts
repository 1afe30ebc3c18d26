/**
 * Manifests as version 1 wrote them: a task's options stood under its name, null for all others, and a reward model was a
 * classifier of one class.
 * @module
 */
import { z } from 'zod'

import { className } from './heads.ts'
import { checkJson } from '../schema.ts'
import { poolings } from '../../graphs/layers/pooling.ts'

const options = z.record(z.string(), z.unknown()).nullable().default(null)

/** The tasks that had options. */
const OPTIONS = ['equivalence', 'consolidation', 'reward', 'dpo', 'ppo'] as const

const schema = z.looseObject({
  task: z.enum(['sft', 'classification', ...OPTIONS]),
  head: z
    .strictObject({
      classes: z.array(className).min(1).max(10_000),
      pooling: z.enum(poolings),
      dropout: z.number().min(0).lt(1),
    })
    .nullable()
    .default(null),
  npt: z.unknown().default(null),
  ...(Object.fromEntries(OPTIONS.map((name) => [name, options])) as Record<
    (typeof OPTIONS)[number],
    typeof options
  >),
})

export const isVersion1 = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && 'format_version' in json && json.format_version === 1

/** The same as version 2 has it, still to be checked. */
export function fromVersion1(json: unknown, where: string): object {
  const { task, head, equivalence, consolidation, reward, dpo, ppo, ...rest } = checkJson(schema, json, where)
  const of = { equivalence, consolidation, reward, dpo, ppo }
  return {
    ...rest,
    format_version: 2,
    task,
    options: Object.values(of).find((given) => given !== null) ?? {},
    head: headOf(head, reward !== null),
  }
}

function headOf(head: z.infer<typeof schema>['head'], isScore: boolean): object {
  if (!head) return { kind: 'language' }
  const { classes, ...pooled } = head
  return isScore ? { kind: 'score', ...pooled } : { kind: 'classes', classes, ...pooled }
}

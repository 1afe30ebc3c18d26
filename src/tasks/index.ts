/**
 * The tasks. The record is total: nothing else asks which task a run is of.
 * @module
 */
import { classification } from './classification_task.ts'
import { consolidation } from './consolidation_task.ts'
import { dpo } from './dpo/task.ts'
import { equivalence } from './equivalence_task.ts'
import { grpo } from './grpo/task.ts'
import { kto } from './kto/task.ts'
import { neuroplastic } from './neuroplastic/task.ts'
import { orpo } from './orpo.ts'
import { ppo } from './ppo/task.ts'
import { reward } from './reward_task.ts'
import { rloo } from './rloo.ts'
import { sft } from './sft.ts'
import { simpo } from './simpo.ts'
import type { Task } from './task.ts'

export const tasks = {
  sft,
  classification,
  reward,
  dpo,
  orpo,
  simpo,
  kto,
  ppo,
  grpo,
  rloo,
  neuroplastic,
  equivalence,
  consolidation,
} as const

export type TaskName = keyof typeof tasks

export const TASK_NAMES = Object.keys(tasks) as readonly TaskName[] as readonly [TaskName, ...TaskName[]]

/** A task by its name, its options checked by its own schemas. */
export const taskNamed = (name: TaskName): Task => tasks[name]

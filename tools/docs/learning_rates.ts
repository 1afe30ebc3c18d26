/** @module */
import type { Method } from '../../src/learning/default_rate.ts'
import { defaultLearningRate, METHODS } from '../../src/learning/default_rate.ts'
import { TASK_NAMES, taskNamed } from '../../src/tasks/index.ts'
import type { Task } from '../../src/tasks/task.ts'

const names = Object.keys(METHODS) as Method[]

/** Whether a task can train it. */
const TRAINS: Readonly<Record<Method, (task: Task) => boolean>> = {
  adapters: ({ refuses }) => refuses.plasticBlocks !== 'needed',
  full: ({ refuses }) => refuses.plasticBlocks !== 'needed',
  head: ({ refuses }) => refuses.frozen === undefined && refuses.plasticBlocks !== 'needed',
  blocks: ({ refuses }) => refuses.plasticBlocks !== 'refused',
}

/** The default learning rates of all tasks at a width, as a table. */
export function learningRateTable(width: number): string {
  const rows = TASK_NAMES.map((name) => {
    const task = taskNamed(name)
    return [
      `[${name}](${name}.md)`,
      ...names.map((method) =>
        TRAINS[method](task) ? defaultLearningRate(method, width, task.rates?.[method]).toExponential() : '',
      ),
    ]
  })
  const heading = ['task', ...names.map((method) => METHODS[method].noun)]
  const rule = ['---', ...names.map(() => '--:')]
  return [heading, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

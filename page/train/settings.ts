/** From what is filled in to the keys of a YAML file. @module */
import type { PageTask } from './tasks.ts'
import { tasks } from './tasks.ts'

export interface Filled {
  readonly task: PageTask
  readonly steps: number
  readonly batch: number
  readonly rank: number
  readonly rate: string
  readonly seed: number
  readonly more: string
  /** How a row becomes an example; by default its columns tell. */
  readonly template?: object | undefined
}

type Mapping = Record<string, unknown>

/** A few evaluations over a run. */
const EVALUATIONS = 6

/** @throws UserError, one sentence, where something that was filled in is no value */
export function settingsOf({ task, steps, batch, rank, rate, seed, more, template }: Filled): object {
  const { options } = tasks[task]
  const settings: Mapping = {
    task,
    max_steps: whole('Steps', steps, 1),
    seed: whole('The seed', seed, 0),
    per_device_train_batch_size: whole('Examples a step', batch, 1),
    eval_steps: Math.max(1, Math.round(steps / EVALUATIONS)),
    lora: { r: whole('The rank', rank, 1), lora_alpha: 2 * rank },
    ...(rate.trim() === '' ? {} : { learning_rate: positive('The learning rate', rate) }),
    ...(options ? { [task]: options(batch) } : {}),
    ...(template ? { template } : {}),
  }
  for (const [i, line] of more.split('\n').entries()) put(settings, line, i + 1)
  const { lora } = settings
  if (typeof lora === 'string')
    throw userError(`lora ${lora} trains no adapter, which is what this page keeps; leave it out`)
  return settings
}

function whole(what: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw userError(`${what} must be a whole number of at least ${least}`)
}

function positive(what: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw userError(
    `${what} "${text}" is no number above 0; write one such as 0.001, or nothing for what suits the task`,
  )
}

/** `dpo.beta: 0.2`: keys with dots are of an inner mapping. */
function put(settings: Mapping, line: string, number: number): void {
  if (/^\s*(#|$)/.test(line)) return
  const found = /^\s*([\w.]+)\s*:\s+(\S.*?)\s*$/.exec(line)
  if (!found)
    throw userError(
      `line ${number} of the other settings, "${line.trim()}", is no "key: value"; write one a line, such as warmup_ratio: 0.1`,
    )
  const keys = found[1]!.split('.')
  if (keys[0] === 'task')
    throw userError(
      `line ${number} of the other settings: the task is chosen among the examples; leave it out`,
    )
  if (keys.includes('__proto__'))
    throw userError(`line ${number} of the other settings: there is no such key; leave it out`)
  let target = settings
  for (const key of keys.slice(0, -1)) {
    const inner = target[key]
    target = target[key] = typeof inner === 'object' && inner !== null ? { ...(inner as Mapping) } : {}
  }
  target[keys.at(-1)!] = valueOf(found[2]!)
}

/** A value of YAML on one line: a number, true, false, null, a list of them, or a text. */
function valueOf(text: string): unknown {
  const list = /^\[(.*)\]$/.exec(text)
  if (list) {
    const inner = list[1]!.trim()
    return inner === '' ? [] : inner.split(',').map((part) => valueOf(part.trim()))
  }
  if (/^'.*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'")
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** As the worker throws them. */
export const userError = (message: string): Error => Object.assign(new Error(message), { name: 'UserError' })

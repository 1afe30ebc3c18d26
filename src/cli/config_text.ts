/**
 * A run's YAML file as a person is to find it: what is set, each key with its meaning above, and what may be set.
 * @module
 */
import { stringify } from 'yaml'

import type { JsonSchema } from '../json_schema.ts'
import { mappingsOf } from '../schema_words.ts'
import { wrap } from './key_help.ts'

/** Keys that are shown with their defaults, to be set by taking the # away. */
const OFFERED = [
  'max_length',
  'learning_rate',
  'num_train_epochs',
  'max_steps',
  'per_device_train_batch_size',
  'eval_steps',
  'early_stopping_patience',
  'seed',
]

export interface ConfigText {
  /** What is set, in this order. */
  readonly config: Readonly<Record<string, unknown>>
  /** The task's name; its options are offered, too. */
  readonly task: string
  /** What else is to be said of a key. */
  readonly notes: Readonly<Record<string, string>>
  /** Lines at the beginning. */
  readonly heading: readonly string[]
}

export function configText({ config, task, notes, heading }: ConfigText, schema: JsonSchema): string {
  const { properties = {} } = schema
  const set = Object.entries(config).map(([key, value]) => {
    const meaning = [notes[key], properties[key]?.description].filter(Boolean).join(' ')
    const offered =
      key === task ? offers(taskOptions(properties[task]!), 2, Object.keys(value as object)) : ''
    return `${comment(meaning)}${yaml({ [key]: value })}${indented(offered)}`
  })
  const own = task in config ? '' : offers(taskOptions(properties[task]!), 4)
  return [
    heading.map((line) => `# ${line}\n`).join(''),
    ...set,
    `# What follows has its default; take the # of a line away to set it.\n`,
    offers(pick(properties, OFFERED)).replaceAll(/\n(?=# [A-Z])/g, '\n\n'),
    ...(own === '' ? [] : [`# ${task}: # the options of the task\n${inBlock(own)}`]),
  ]
    .filter((section) => section !== '')
    .join('\n')
}

type Keys = Readonly<Record<string, JsonSchema>>

const pick = (keys: Keys, names: readonly string[]): Keys =>
  Object.fromEntries(names.flatMap((name) => (keys[name] ? [[name, keys[name]]] : [])))

const taskOptions = (schema: JsonSchema): Keys => mappingsOf(schema)[0]?.properties ?? {}

/** Keys with their defaults and meanings, as comments; those without a default are left out, as are those given. */
const offers = (keys: Keys, within = 0, given: readonly string[] = []): string =>
  Object.entries(keys)
    .filter(([key, { default: fallback }]) => fallback !== undefined && !given.includes(key))
    .map(
      ([key, { default: fallback, description = '' }]) =>
        `${comment(description, within)}# ${yaml({ [key]: fallback })}`,
    )
    .join('')

/** @param within how many characters will stand before it */
const comment = (text: string, within = 0): string =>
  text === '' ? '' : wrap(text, 2 + within).replaceAll(/^ +/gm, '# ')

/** Comments as lines of a mapping that is a comment itself: with its # away, keys are keys and meanings are comments. */
const inBlock = (text: string): string =>
  text.replaceAll(/^# (\w+:.*\n)|^(# .*\n)/gm, (_, key?: string, meaning?: string) => `#   ${key ?? meaning}`)

const indented = (text: string): string => text.replaceAll(/^(?=#)/gm, '  ')

/** On few lines, with no line folded. */
const yaml = (value: object): string => stringify(value, { lineWidth: 0 })

/**
 * The keys of a run's YAML file, for the help of the commands that take one.
 * @module
 */
import { readFileSync, statSync } from 'node:fs'

import { checkRegular } from '../formats/read_file.ts'
import type { JsonSchema } from '../json_schema.ts'
import { mappingsOf, valueText } from '../schema_words.ts'
import { readSchema } from './project.ts'

const WIDTH = 80
const INDENT = 4

/**
 * What stands after the options of a command: the keys, and of one task its own.
 *
 * @param args of the command line: the task is that of `task=…`, else that of the YAML file
 */
export function keyHelp(command: string, args: readonly string[]): string {
  const { properties = {}, required = [] } = readSchema()
  const tasks = (properties['task']?.enum ?? []) as readonly string[]
  const task = taskOf(args, tasks)
  const shared = Object.entries(properties).filter(([key]) => !tasks.includes(key))
  const own = task === undefined ? [] : Object.entries(mappingOf(properties[task]!).properties ?? {})
  return [
    '\nKeys of the YAML file, with their defaults; on the command line key=value, and\nlora.r=8 or, where no other key ends so, r=8:\n',
    ...shared.map(([key, schema]) => entry(key, schema, required.includes(key))),
    task === undefined
      ? wrap(
          `\nA task has keys of its own under its name: "ortune ${command} task=dpo --help" lists them for dpo, and so for ${tasks.join(', ')}.`,
        )
      : `\nOf task ${task}${own.length === 0 ? ' there are no keys of its own.\n' : ':\n'}`,
    ...own.map(([key, schema]) =>
      entry(`${task}.${key}`, schema, mappingOf(properties[task!]!).required?.includes(key) ?? false),
    ),
    `\ndocs/configuration.md has all of them with their bounds.\n`,
  ].join('')
}

const mappingOf = (schema: JsonSchema): JsonSchema => mappingsOf(schema)[0] ?? {}

/** The last `task=…`, else the task of the first file that says one. */
function taskOf(args: readonly string[], tasks: readonly string[]): string | undefined {
  const given = args.findLast((arg) => arg.startsWith('task='))?.slice('task='.length)
  const named = given ?? args.flatMap((arg) => (/\.ya?ml$/.test(arg) ? (taskOfFile(arg) ?? []) : []))[0]
  return named !== undefined && tasks.includes(named) ? named : undefined
}

/** Undefined also where there is no such file: help is no place to complain. */
function taskOfFile(path: string): string | undefined {
  try {
    checkRegular(path, statSync(path))
    return /^task:\s*["']?(\w+)/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 'sft'
  } catch {
    return undefined
  }
}

function entry(key: string, schema: JsonSchema, required: boolean): string {
  const fallback = schema.default === undefined ? '' : ` = ${valueText(schema.default)}`
  const heading = `  ${key}${required ? ' (required)' : fallback}`.replaceAll('`', '')
  return `${heading}\n${wrap(schema.description ?? '', INDENT)}`
}

/** Fills lines with whole words. */
export function wrap(text: string, indent = 0): string {
  const lines = ['']
  for (const word of text.replaceAll('`', '').split(' ')) {
    const line = lines.at(-1)!
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= WIDTH - indent || line === '') lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines.map((line) => `${' '.repeat(indent)}${line}\n`).join('')
}

/**
 * `docs/configuration.md` and the tables of options on the pages of tasks, from the schemas that check a configuration.
 * @module
 */
import { trainingOptionsSchema } from '../../src/learning/options.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { TASK_NAMES, taskNamed } from '../../src/tasks/index.ts'
import type { TaskName } from '../../src/tasks/index.ts'
import type { JsonSchema } from '../../src/json_schema.ts'
import { jsonSchema } from '../../src/json_schema.ts'
import { mappingsOf, typeText, valueText } from '../../src/schema_words.ts'

const HEADING = ['key', 'type', 'default', 'meaning']

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const table = (rows: readonly (readonly string[])[]): string =>
  [HEADING, HEADING.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')

/** The keys of a mapping, `within` being what stands before them where they are overridden on a command line. */
export function keyTable({ properties = {}, required = [] }: JsonSchema, within = ''): string {
  const keys = Object.entries(properties)
  if (keys.length === 0) return 'It has no options of its own.'
  return table(
    keys.map(([key, schema]) => {
      if (!schema.description) throw new Error(`${within}${key} has no meaning; describe it in its schema`)
      const fallback = required.includes(key)
        ? 'required'
        : schema.default === undefined
          ? ''
          : valueText(schema.default)
      // Templates of a source are those of the run.
      const at = key === 'template' ? key : `${within}${key}`
      const more = mappingsOf(schema).length > 0 ? ` See [below](#${anchor(at)}).` : ''
      return [`\`${within}${key}\``, typeText(schema), fallback, `${schema.description}${more}`]
    }),
  )
}

const anchor = (heading: string): string => heading.toLowerCase().replaceAll(/[^\w-]/g, '')

/** A section of a key that holds mappings, and one of each key of theirs that does. */
function section(name: string, schema: JsonSchema, level = 3): string[] {
  const mappings = mappingsOf(schema).filter(
    (one, i, all) => all.findIndex((other) => same(one, other)) === i,
  )
  if (mappings.length === 0) return []
  const heading = `${'#'.repeat(level)} ${name}`
  const within = isList(schema) ? '' : `${name}.`
  const tables = mappings.flatMap((mapping) => [
    ...(mappings.length > 1 && mapping.description ? [mapping.description] : []),
    keyTable(mapping, within),
  ])
  const inner = mappings.flatMap((mapping) =>
    Object.entries(mapping.properties ?? {})
      .filter(([key]) => key !== 'template')
      .flatMap(([key, value]) => section(`${within}${key}`, value, level)),
  )
  return [heading, ...tables, ...inner]
}

/** Whether a value may be a list, whose entries have no name. */
const isList = ({ type, anyOf = [] }: JsonSchema): boolean => type === 'array' || anyOf.some(isList)

const same = (one: JsonSchema, other: JsonSchema): boolean => JSON.stringify(one) === JSON.stringify(other)

/** The options of a task, as tables. */
export const taskOptions = (name: TaskName, level = 3): string[] => {
  const schema = taskSchema(name)
  const keys = Object.entries(schema.properties ?? {})
  return [
    keyTable(schema, `${name}.`),
    ...keys.flatMap(([key, value]) => section(`${name}.${key}`, value, level)),
  ]
}

const taskSchema = (name: TaskName): JsonSchema => jsonSchema(taskNamed(name).options)

function taskSection(name: TaskName): string[] {
  const { summary, metrics } = taskNamed(name)
  const chosenBy = ['eval_loss', ...metrics].map((metric) => `\`${metric}\``).join(', ')
  return [
    `### ${name}`,
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}: [${name}.md](${name}.md). A checkpoint is chosen by ${chosenBy}.`,
    ...taskOptions(name, 4),
  ]
}

const pick = ({ properties = {}, ...rest }: JsonSchema, wanted: (key: string) => boolean): JsonSchema => ({
  ...rest,
  properties: Object.fromEntries(Object.entries(properties).filter(([key]) => wanted(key))),
})

/** The keys that a stage has alone; all others are a run's. */
const ownOfStage = (stages: JsonSchema, run: JsonSchema): JsonSchema => ({
  ...stages,
  anyOf: mappingsOf(stages).map((stage) => ({
    ...pick(stage, (key) => key === 'filter' || !Object.hasOwn(run.properties ?? {}, key)),
    description: 'Beside these, any key of a run that is another in the stage.',
  })),
})

/** The page, before prettier. */
export function configurationPage(): string {
  const all = jsonSchema(runConfigSchema)
  const ofTraining = Object.keys(trainingOptionsSchema.shape)
  const isTask = (key: string) => (TASK_NAMES as readonly string[]).includes(key)
  const run = pick(all, (key) => !ofTraining.includes(key) && !isTask(key))
  const training = pick(all, (key) => ofTraining.includes(key))
  const { properties = {} } = all
  const outer = { ...run.properties, ...training.properties }
  const inner = { ...outer, stages: ownOfStage(properties['stages']!, all) }
  return [
    '# Configuration',
    '<!-- Written by "npm run docs:configuration" from the schemas; change their descriptions, not this page. -->',
    'The keys of a YAML file for `ortune prepare` and `ortune train`. Each can be given after the file, too, as `key=value` with dots between keys (`lora.r=16`, `data.0.path=my.csv`); the value is read as YAML, and there must be one: `key=null` for null. A key within a mapping may go by its last name where no other one has it, other tasks aside: `plasticity_lr=1e-6` for `plastic.plasticity_lr=1e-6`; what it stands for is said. Where several have it, as `beta` of task dpo, an error names them. A key that is not listed here is an error.',
    '## The run',
    keyTable(run),
    '## Training',
    "The names are those of transformers' `TrainingArguments`.",
    keyTable(training),
    '## Options of tasks',
    'Under the name of the task; those of another task are an error.',
    ...TASK_NAMES.flatMap(taskSection),
    '## Keys within keys',
    ...Object.entries(inner).flatMap(([key, schema]) => section(key, schema)),
    '',
  ].join('\n\n')
}

/** @module */
import { access, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'

import { Command, Option } from 'commander'

import { askInTerminal, takeProposals } from './asking.ts'
import { project, readSchema, schemaFile } from './project.ts'
import type { DataLook } from '../runs/look_at_data.ts'
import type { TriedData } from '../runs/try_data.ts'
import type { TaskName } from '../tasks/index.ts'

interface InitFlags {
  data?: string[]
  task?: string
  model?: string
  reward?: string
  out?: string
  oddRows?: 'error' | 'skip'
  yes?: boolean
  json?: boolean
}

/** `ortune init --data <file> …` */
export const initCommand = (): Command =>
  new Command('init')
    .option('--data <path...>', 'files of rows: .csv, .tsv, .json, .jsonl or .parquet')
    .addOption(
      new Option('--task <name>', 'what to learn (default: what the columns of the data are for)')
        .choices((readSchema().properties?.['task']?.enum ?? []) as string[])
        // A name that is none is answered with the nearest one.
        .argParser((name: string) => name),
    )
    .option('--model <folder>', 'the model to train (default: the pocket model)')
    .addOption(
      new Option(
        '--reward <source>',
        'of tasks ppo, grpo and rloo, what scores answers: the folder of a reward model, a metric or a .ts file (default: rougeL)',
      ),
    )
    .option('--out <file>', 'the YAML file to write, a new one (default: the name of the data)')
    .addOption(
      new Option(
        '--odd-rows <what>',
        'what to do with rows that do not fit, such as those without a label',
      ).choices(['error', 'skip']),
    )
    .option('--yes', 'take every proposal without asking')
    .option('--json', 'print one JSON result on standard output; asks nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune init --data tickets.csv\n' +
        '  ortune init --data pairs.jsonl --task dpo --model models/gpt2 --out dpo.yaml --yes\n\n' +
        'In a terminal it asks for what is not given. The data is tried before the file is written.',
    )
    .action(async (flags: InitFlags) => {
      const { UserError } = await import('../errors.ts')
      const { lookAtData } = await import('../runs/look_at_data.ts')
      const propose = await import('../runs/propose.ts')
      const { classTable, dataTable } = await import('../report/data_table.ts')
      const { configText } = await import('./config_text.ts')
      const { visible } = await import('../visible_text.ts')

      const asking = !flags.yes && !flags.json && process.stdin.isTTY && process.stdout.isTTY
      const { ask, close } = asking ? await askInTerminal() : takeProposals
      try {
        const paths = flags.data ?? (await ask('Data file', '')).split(/\s+/).filter(Boolean)
        if (paths.length === 0)
          throw new UserError('there is no data to learn from; name a file of rows by --data')
        const looks: DataLook[] = []
        for (const path of paths) looks.push(await lookAtData(path))
        for (const look of looks) await show(look)
        const [first] = looks as [DataLook]

        const task = await taskNameOf(flags.task ?? (await ask('Task', propose.proposeTask(first))))
        const { template, guessed } = propose.proposeTemplate(first, task)
        const pocket = relative(process.cwd(), join(project, 'artifacts', 'pocket'))
        const model = flags.model ?? (await ask('Model folder', pocket))
        const stem = basename(first.path, extname(first.path))
        const out = flags.out ?? (await ask('YAML file', `${stem}.yaml`))
        await checkFree(out)
        const name = basename(out, extname(out))
        const config = {
          task,
          model,
          output_dir: `runs/${name}`,
          data: propose.proposeSources(looks),
          template,
          ...propose.proposeTrained(task),
          ...(await rewardOf(task, flags.reward, template)),
          ...(flags.oddRows && { odd_rows: flags.oddRows }),
        }
        const tried = await tryConfig(config)
        process.stderr.write(`\n${dataTable(tried.splits, tried)}\n`)
        if (tried.classes.length > 0) process.stderr.write(`${classTable(tried.splits, tried.classes)}\n`)

        const heading = [
          `yaml-language-server: $schema=${schemaPath(out)}`,
          `Written by "ortune init" for ${looks.map(describe).join('; ')}`,
          `  ortune prepare ${argument(out)}   # what the model will see and learn`,
          `  ortune train ${argument(out)}`,
          'All keys: "ortune train --help".',
        ].map(visible)
        const notes: Record<string, string> = guessed
          ? { template: 'Guessed, as no known form has these columns: look at it with "ortune prepare".' }
          : {}
        await writeNew(out, configText({ config, task, notes, heading }, readSchema()))
        process.stdout.write(
          flags.json
            ? `${JSON.stringify({ file: out, guessed, config, data: looks.map(({ path, rows, more, columns }) => ({ path, rows, more, columns })) })}\n`
            : `wrote ${out}${guessed ? ', with a template that is guessed' : ''}\n` +
                `  look   ortune prepare ${argument(out)}\n  train  ortune train ${argument(out)}\n`,
        )
      } finally {
        close()
      }
    })

/** A path as it is typed into a POSIX shell. */
const argument = (path: string): string =>
  /^[\w./:@%+=,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

/** Prepares the data for nothing but its figures. Throws UserError; where rows are odd, it says what to give. */
async function tryConfig(config: object): Promise<TriedData> {
  const { UserError } = await import('../errors.ts')
  const { tryData } = await import('../runs/try_data.ts')
  const { readConfig } = await import('../runs/read_config.ts')
  const given = readConfig(config)
  try {
    return await tryData(given, { examples: 0 })
  } catch (error) {
    const fits = (): Promise<boolean> =>
      tryData({ ...given, odd_rows: 'skip' }, { examples: 0 }).then(
        () => true,
        () => false,
      )
    if (!(error instanceof UserError) || given.odd_rows === 'skip' || !(await fits())) throw error
    throw new UserError(
      `${error.message}; to leave such rows out give --odd-rows skip, and to learn something else --task`,
    )
  }
}

/** The columns of a file, on standard error. */
async function show(look: DataLook): Promise<void> {
  const { visible } = await import('../visible_text.ts')
  const { quote } = await import('../quote.ts')
  const example = (name: string) =>
    quote(look.sample.find((row) => row[name] !== null && row[name] !== '')?.[name] ?? null)
  const rows = look.columns.map(
    ({ name, type }) => `  ${visible(name)}  ${type}, as ${visible(example(name))}\n`,
  )
  process.stderr.write(`${visible(describe(look))}\n${rows.join('')}`)
}

const describe = ({ path, rows, more, columns }: DataLook): string =>
  `${path}: ${more ? 'more than ' : ''}${rows.toLocaleString('en')} rows of ${columns.map(({ name }) => name).join(', ')}`

async function taskNameOf(given: string): Promise<TaskName> {
  const { UserError } = await import('../errors.ts')
  const { nearest } = await import('../nearest.ts')
  const { TASK_NAMES } = await import('../tasks/index.ts')
  const task = TASK_NAMES.find((name) => name === given)
  if (task) return task
  const near = nearest(given, TASK_NAMES)
  throw new UserError(
    `there is no task "${given}"; ${near ? `did you mean "${near}"?` : `choose ${TASK_NAMES.join(', ')}`}`,
  )
}

/** What scores answers, for a task that wants to know. */
async function rewardOf(task: TaskName, given: string | undefined, template: object): Promise<object> {
  const { UserError } = await import('../errors.ts')
  const { rewardSource } = await import('./reward_argument.ts')
  const { mappingsOf } = await import('../schema_words.ts')
  const [options] = mappingsOf(readSchema().properties![task]!)
  const key = ['reward', 'reward_funcs'].find((name) => options?.required?.includes(name))
  if (key === undefined) {
    if (given !== undefined) throw new UserError(`--reward has no meaning for task ${task}; leave it out`)
    return {}
  }
  if (given === undefined && Object.keys(template).every((key) => key === 'prompt' || key === 'requires'))
    throw new UserError(
      `the data has prompts and no answers to compare with, so task ${task} needs to be told what scores answers; give --reward`,
    )
  const source = await rewardSource(given ?? 'rougeL')
  return { [task]: { [key]: key === 'reward' ? source : [source] } }
}

async function checkFree(path: string): Promise<void> {
  const { UserError } = await import('../errors.ts')
  const taken = await access(path).then(
    () => true,
    () => false,
  )
  if (taken) throw new UserError(`${path} is there already and is kept; name another file by --out`)
}

/** Writes a file that is not there yet. */
async function writeNew(path: string, text: string): Promise<void> {
  const { UserError } = await import('../errors.ts')
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (error) {
    throw new UserError(
      `${path} cannot be written (${(error as NodeJS.ErrnoException).code}); name another file by --out`,
    )
  }
}

/** Where the schema lies, as the YAML file finds it. */
function schemaPath(out: string): string {
  return relative(dirname(resolve(out)), schemaFile).replaceAll('\\', '/')
}

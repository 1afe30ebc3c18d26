/**
 * `ortune demo`, which `npm start` runs: the whole way from data to a model that other tools load, on what ships with
 * the project.
 * @module
 */
import { access } from 'node:fs/promises'
import { join, relative } from 'node:path'

import { Command } from 'commander'

import { duration } from './duration.ts'
import { project } from './project.ts'
import { trainingProgress } from './training_progress.ts'

/** Held-out nouns that are shown before and after; no definition of any of them was ever trained on. */
const SHOWN = ['electricity', 'imposition', 'lettuce', 'stealing', 'ascendancy', 'pin']

interface DemoFlags {
  out: string
  json?: boolean
}

export const demoCommand = (): Command =>
  new Command('demo')
    .option('--out <folder>', 'folder of the run', 'runs/demo')
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune demo --out runs/my-first-run')
    .action(async ({ out, json }: DemoFlags) => {
      const started = performance.now()
      const say = (text: string) => process.stderr.write(`${text}\n`)
      const { readConfigFile } = await import('./config_file.ts')
      const { createRun } = await import('../runs/create.ts')
      const { continueRun } = await import('../runs/continue.ts')
      const { evaluateRun } = await import('../evaluation/evaluate_run.ts')
      const { exportModel } = await import('../exports/export_model.ts')
      const { findModel } = await import('../models/find_model.ts')
      const { writeTrainingCurves } = await import('../report/write_training_curves.ts')
      const { definitionTable } = await import('../report/definition_table.ts')

      const run = await freeName(out)
      const config = await readConfigFile(join(project, 'data', 'dictionary.yaml'), [`output_dir=${run}`])
      const data = config.data.map((source) => ({ ...source, path: join(project, source.path) }))
      const report = await createRun({ ...config, data, model: join(project, config.model) })
      const { train, test } = report.splits
      say(
        `A 3.5M-parameter GPT-2 learns to define words: ${train!.examples.toLocaleString('en')} definitions of WordNet, ` +
          `${test!.examples} held out.\n`,
      )

      const words = await heldOutWords(data[0]!.path)
      const perplexityOf = async (checkpoint: 'base' | 'best') => {
        const result = await evaluateRun(run, 'test', checkpoint)
        return 'perplexity' in result ? result.perplexity : NaN
      }
      const before = await perplexityOf('base')
      const textBefore = await define(run, 'base', words)
      await continueRun(run, trainingProgress())
      await writeTrainingCurves(run)
      const after = await perplexityOf('best')
      const textAfter = await define(run, 'best', words)
      const exported = join(run, 'export')
      await exportModel({ model: await findModel(run, { checkpoint: 'best' }), out: exported })

      const seconds = (performance.now() - started) / 1000
      if (json) {
        const samples = words.map((word, i) => ({ ...word, before: textBefore[i], after: textAfter[i] }))
        process.stdout.write(
          `${JSON.stringify({ run, exported, perplexity: { before, after }, samples, seconds })}\n`,
        )
        return
      }
      process.stdout.write(
        `\n${definitionTable(words, textBefore, textAfter)}\n` +
          `Perplexity on ${test!.examples} held-out definitions: ${before.toFixed(1)} before, ` +
          `${after.toFixed(1)} after. It took ${duration(seconds)}.\n${nextSteps(run, exported)}`,
      )
    })

/** The folder, or the first of `<folder>-2`, `<folder>-3` … that is free: an earlier run is never overwritten. */
async function freeName(folder: string): Promise<string> {
  const taken = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    )
  if (!(await taken(folder))) return folder
  for (let i = 2; ; i++) if (!(await taken(`${folder}-${i}`))) return `${folder}-${i}`
}

/** The shown words with their true definitions, from the test split. */
async function heldOutWords(path: string): Promise<{ word: string; definition: string }[]> {
  const { readRows } = await import('../data/sources/read_rows.ts')
  const definitions = new Map<string, string>()
  // A CSV file holds nothing but strings.
  for await (const row of readRows(path) as AsyncIterable<Record<string, string>>) {
    if (row['split'] === 'test') definitions.set(row['word']!, row['definition']!)
  }
  return SHOWN.map((word) => ({ word, definition: definitions.get(word)! }))
}

/** What the run's model, before or after training, writes as definitions. */
async function define(
  run: string,
  checkpoint: 'base' | 'best',
  words: readonly { word: string }[],
): Promise<string[]> {
  const { openGenerator } = await import('../models/open_generator.ts')
  const generator = await openGenerator(run, { checkpoint })
  try {
    const prompts = words.map(({ word }) => `Word: ${word} ; Definition:`)
    const written = await generator.generate(prompts, { max_new_tokens: 24, repetition_penalty: 1.1 })
    return written.map(({ text }) => text.trim())
  } finally {
    await generator.release()
  }
}

/** A command that starts from the same configuration, in a clone or beside the installed package. */
function ownRun(): string {
  const here = relative(process.cwd(), project)
  const shipped = (path: string) => join(here, path)
  const places = here
    ? `model=${shipped('artifacts/pocket')} data.0.path=${shipped('data/dictionary.csv')} `
    : ''
  return `npx ortune train ${shipped('data/dictionary.yaml')} ${places}output_dir=runs/mine lora.r=4`
}

const nextSteps = (run: string, exported: string): string => `
Next:
  npx ortune generate ${run} --prompt "Word: lantern ; Definition:"
  npx ortune inspect ${run}            the training graphs: inputs, parameters, operators
  ${join(run, 'curves.svg')}           how training went, as a picture
  ${exported}          the merged model, for transformers and transformers.js
  ${ownRun()}
`

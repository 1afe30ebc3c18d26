/** @module */
import { basename, join } from 'node:path'

import { Command } from 'commander'

import type { RunConfig } from '../runs/config.ts'
import type { TriedData } from '../runs/try_data.ts'
import { visible } from '../visible_text.ts'
import { keyHelp } from './key_help.ts'
import { wholeNumber } from './number_argument.ts'

interface PrepareFlags {
  out?: string | undefined
  examples: number
  json?: boolean | undefined
}

/** `ortune prepare config.yaml key=value …` */
export const prepareCommand = (): Command =>
  new Command('prepare')
    .argument('<config>', 'YAML file with the options of the run')
    .argument('[overrides...]', 'options given on the command line, such as max_length=128')
    .option('--out <folder>', 'keep the Arrow files there')
    .option('--examples <n>', 'show the first n examples of the training data', wholeNumber({ from: 0 }), 3)
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune prepare data/dictionary.yaml max_length=128 --examples 5')
    .addHelpText('after', ({ command }) => keyHelp('prepare', command.args))
    .action(async (path: string, overrides: string[], { out, examples, json }: PrepareFlags) => {
      const { readConfigFile } = await import('./config_file.ts')
      const { tryData } = await import('../runs/try_data.ts')
      const config = await readConfigFile(path, overrides)
      const { dataWarnings } = await import('../report/data_advice.ts')
      if (config.stages) return prepareStages(config, { out, examples, json })
      const data = await tryData(config, { out, examples })
      const warnings = dataWarnings(data, config.metric_for_best_model)
      if (json) process.stdout.write(`${JSON.stringify(await jsonOf(data, out, warnings))}\n`)
      else await printReport(data)
      for (const warning of warnings) process.stderr.write(warning)
    })

/** The data of each stage of a curriculum, one after another; in folders of their names where it is kept. */
async function prepareStages(config: RunConfig, { out, examples, json }: PrepareFlags): Promise<void> {
  const { stagesOf, ofStage } = await import('../runs/curriculum/create.ts')
  const { tryData } = await import('../runs/try_data.ts')
  const { dataWarnings } = await import('../report/data_advice.ts')
  const results: object[] = []
  for (const { name, config: own } of stagesOf(config)) {
    const to = out === undefined ? undefined : join(out, basename(own.output_dir))
    const data = await ofStage(name, () => tryData(own, { out: to, examples }))
    const warnings = dataWarnings(data, own.metric_for_best_model)
    if (json) results.push({ stage: name, ...(await jsonOf(data, to, warnings)) })
    else {
      process.stdout.write(`${results.length > 0 ? '\n' : ''}${visible(`stage ${name}`)}\n\n`)
      results.push(data)
      await printReport(data)
    }
    for (const warning of warnings) process.stderr.write(warning)
  }
  if (json) process.stdout.write(`${JSON.stringify({ stages: results })}\n`)
}

async function jsonOf(
  { examples, ...facts }: TriedData,
  out: string | undefined,
  warnings: readonly string[],
): Promise<object> {
  const { tokenStretches } = await import('../data/examples/token_pieces.ts')
  const shown = examples.map(({ pieces, label, desirable, rejected, margin, reference }) => ({
    label,
    desirable,
    segments: tokenStretches(pieces),
    rejected: rejected && tokenStretches(rejected),
    margin,
    reference: reference && tokenStretches(reference),
  }))
  return {
    out: out ?? null,
    ...facts,
    warnings: warnings.map((line) => line.trimEnd()),
    examples: shown,
  }
}

async function printReport(data: TriedData): Promise<void> {
  const { dataTable, classTable } = await import('../report/data_table.ts')
  const { dataAdvice } = await import('../report/data_advice.ts')
  const { exampleView, tokenLegend } = await import('../report/token_view.ts')
  const { splits, classes, examples, maxLength, evalMaxLength, context, prompts } = data
  const { train, ...judged } = splits
  // https://no-color.org: any value but the empty one turns colours off.
  const view = {
    color: process.stdout.isTTY && !process.env['NO_COLOR'],
    width: process.stdout.columns || 100,
  }
  const detected = data.templates
    .filter((source) => source.detected)
    .map(
      ({ path, template }) =>
        `${visible(`${path}: template told by its columns, ${JSON.stringify(template)}`)}\n`,
    )
  const sections = [
    detected.join(''),
    dataTable(splits, data),
    classes.length > 0 ? classTable(splits, classes) : '',
    ...(evalMaxLength === maxLength
      ? [dataAdvice(splits, maxLength, context, data)]
      : [
          dataAdvice(train ? { train } : {}, maxLength, context, data),
          dataAdvice(judged, evalMaxLength, context, data, 'eval_max_length'),
        ]),
    ...examples.map((example, i) => exampleView(example, i + 1, view)),
    examples.length > 0 && classes.length === 0 && !prompts ? tokenLegend(view) : '',
  ]
  process.stdout.write(sections.filter((section) => section !== '').join('\n'))
}

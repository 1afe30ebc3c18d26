/** @module */
import { Command } from 'commander'

import { startLine } from './start_line.ts'
import { keyHelp } from './key_help.ts'
import type { RunConfig } from '../runs/config.ts'

/** Which learning rate a run has that names none, and why. */
async function defaultRateLine(run: string): Promise<string> {
  const { readRunConfig } = await import('../runs/run_config.ts')
  const { readRunManifest } = await import('../runs/run_manifest.ts')
  const { METHODS, methodOf } = await import('../learning/default_rate.ts')
  const { learning_rate } = await readRunConfig(run)
  const { lora, npt } = await readRunManifest(run)
  const { noun } = METHODS[methodOf(lora, npt)]
  return `learning rate ${learning_rate.toExponential()}, the default of ${noun}; learning_rate=… sets another\n`
}

/** Which parameters were drawn, and that they stay so where they are not trained. */
const freshLine = ({ model, lora }: Pick<RunConfig, 'model' | 'lora'>, fresh: readonly string[]): string =>
  `${model} was saved without ${fresh.join(' and ')}: drawn from the seed${lora === 'full' ? '' : '; lora=full would train them too'}\n`

/** `ortune train config.yaml key=value …` */
export const trainCommand = (): Command =>
  new Command('train')
    .argument('<config>', 'YAML file with the options of the run')
    .argument('[overrides...]', 'options given on the command line, such as learning_rate=1e-4 lora.r=16')
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  ortune train data/dictionary.yaml output_dir=runs/dictionary max_steps=200',
    )
    .addHelpText('after', ({ command }) => keyHelp('train', command.args))
    .action(async (path: string, overrides: string[], { json }: { json?: boolean }) => {
      const { readConfigFile } = await import('./config_file.ts')
      const { dataTable } = await import('../report/data_table.ts')
      const { dataWarnings } = await import('../report/data_advice.ts')
      const { dropoutNote } = await import('../report/dropout_note.ts')
      const { readModelConfig } = await import('../formats/model_config.ts')
      const { taskOptions } = await import('../runs/learning_config.ts')
      const { createRun } = await import('../runs/create.ts')
      const { eachOnce } = await import('../learning/listeners.ts')
      const { trainingProgress } = await import('./training_progress.ts')
      const { trainToEnd } = await import('./train_to_end.ts')
      const config = await readConfigFile(path, overrides)
      if (config.stages) {
        const { trainCurriculum } = await import('./train_curriculum.ts')
        return trainCurriculum(config, { json })
      }
      const progress = trainingProgress()
      const note = eachOnce((sentence) => progress.note?.(sentence))
      const report = await createRun(config, { note })
      process.stderr.write(
        `${[dataTable(report.splits, report), ...dataWarnings(report, config.metric_for_best_model)].join('')}\n`,
      )
      if (report.start !== undefined) process.stderr.write(startLine(report.start))
      if (report.fresh.length > 0) process.stderr.write(freshLine(config, report.fresh))
      if (config.learning_rate === null) process.stderr.write(await defaultRateLine(config.output_dir))
      process.stderr.write(dropoutNote(await readModelConfig(config.output_dir), taskOptions(config)))
      await trainToEnd(config.output_dir, { json, progress: { ...progress, note } })
    })

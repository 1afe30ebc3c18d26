/** @module */
import { Command } from 'commander'

import { continueRun, createRun } from '../training/run.ts'
import { readConfigFile } from './config_file.ts'
import { printTrainingResult } from './training_result.ts'
import { trainingProgress } from './training_progress.ts'

/** `ortune train config.yaml key=value …` */
export const trainCommand = (): Command =>
  new Command('train')
    .description('prepare the data, export the graphs and train')
    .argument('<config>', 'YAML file with the options of the run')
    .argument('[overrides...]', 'options given on the command line, such as learning_rate=1e-4 lora.r=16')
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  ortune train data/dictionary.yaml output_dir=runs/dictionary max_steps=200',
    )
    .action(async (path: string, overrides: string[], { json }: { json?: boolean }) => {
      const config = await readConfigFile(path, overrides)
      const report = await createRun(config)
      for (const [split, counts] of Object.entries(report.splits)) {
        process.stderr.write(
          `${split}: ${counts.examples.toLocaleString('en')} examples, ${counts.tokens.toLocaleString('en')} tokens, ` +
            `${counts.labelledTokens.toLocaleString('en')} with loss, ${counts.truncated} truncated, ${counts.skipped} skipped\n`,
        )
      }
      const state = await continueRun(config.output_dir, trainingProgress())
      printTrainingResult(config.output_dir, state, json ?? false)
    })

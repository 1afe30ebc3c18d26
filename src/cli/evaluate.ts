/** @module */
import { Command, Option } from 'commander'

import type { Split } from '../data/splits.ts'
import type { CheckpointName } from '../formats/find_model.ts'
import { checkpointOption } from './checkpoint_option.ts'

interface EvaluateFlags {
  checkpoint?: CheckpointName
  split: Split
  json?: boolean
}

/** `ortune evaluate <run>` */
export const evaluateCommand = (): Command =>
  new Command('evaluate')
    .description("loss and perplexity of a run's model on its validation or test data")
    .argument('<run>', "the run's folder")
    .addOption(checkpointOption())
    .addOption(
      new Option('--split <name>', 'which data')
        .choices(['train', 'validation', 'test'] satisfies Split[])
        .default('validation'),
    )
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune evaluate runs/dictionary --split test --checkpoint base')
    .action(async (run: string, { checkpoint, split, json }: EvaluateFlags) => {
      const { evaluateRun } = await import('../training/evaluate_run.ts')
      const result = await evaluateRun(run, split, checkpoint)
      const { loss, perplexity, labelledTokens } = result
      process.stdout.write(
        json
          ? `${JSON.stringify(result)}\n`
          : `${result.checkpoint} on ${split}: loss ${loss.toFixed(4)}, perplexity ${perplexity.toFixed(2)} per token ` +
              `over ${labelledTokens.toLocaleString('en')} tokens\n`,
      )
    })

/** @module */
import { Command, Option } from 'commander'

import type { Split } from '../data/sets/splits.ts'
import type { CheckpointName } from '../models/find_model.ts'
import type { Fold } from '../tasks/consolidation_task.ts'
import { FOLDS } from '../tasks/consolidation_task.ts'
import { checkpointOption } from './checkpoint_option.ts'
import { realNumber } from './number_argument.ts'

interface ConsolidateFlags {
  text: string[]
  paraphrase?: string[]
  out: string
  fold?: Fold
  strength: number
  split: Split
  checkpoint?: CheckpointName
  json?: boolean
}

/** `ortune consolidate <run> --text … --out <folder>` */
export const consolidateCommand = (): Command =>
  new Command('consolidate')
    .argument('<run>', 'a run that has trained plastic blocks')
    .requiredOption('--text <text...>', 'what to remember')
    .option('--paraphrase <text...>', 'other texts to watch, such as the same said in other words')
    .requiredOption('--out <folder>', 'folder for the update, an adapter in the format of PEFT')
    .addOption(new Option('--fold <how>', 'how the tokens are weighed (default: as trained)').choices(FOLDS))
    .option('--strength <x>', 'how strongly the update acts', realNumber({ from: 0 }), 1)
    .addOption(
      new Option('--split <name>', 'the held-out data that damage is measured on')
        .choices(['validation', 'test'] satisfies Split[])
        .default('test'),
    )
    .addOption(checkpointOption())
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  ortune consolidate runs/npt_consolidation --text "lantern (noun): a portable light" --out runs/lantern\n  ortune merge runs/npt_consolidation --adapter runs/lantern --out runs/model-that-knows',
    )
    .action(async (run: string, flags: ConsolidateFlags) => {
      const { textTable } = await import('../metrics/text_table.ts')
      const { consolidate } = await import('../exports/consolidate.ts')
      const { text, paraphrase = [], out, fold, strength, split, checkpoint, json } = flags
      const result = await consolidate(run, {
        texts: text,
        watched: paraphrase,
        out,
        fold,
        strength,
        split,
        checkpoint,
      })
      if (json) {
        process.stdout.write(`${JSON.stringify(result)}\n`)
        return
      }
      const signed = (value: number, digits: number) => `${value > 0 ? '+' : ''}${value.toFixed(digits)}`
      const row = (name: string, before: number, after: number) => [
        name,
        before.toFixed(2),
        after.toFixed(2),
        signed(after - before, 2),
      ]
      const { texts, watched, perplexity } = result
      process.stdout.write(
        textTable([
          ['log p in nats', 'before', 'after', 'difference'],
          ...texts.map(({ text, before, after }) => row(text, before, after)),
          ...watched.map(({ text, before, after }) => row(`watched: ${text}`, before, after)),
          [
            `perplexity, ${split}`,
            perplexity.before.toFixed(3),
            perplexity.after.toFixed(3),
            `${signed(100 * (perplexity.after / perplexity.before - 1), 1)} %`,
          ],
        ]) +
          `\nwrote ${out}\n  permanent   ortune merge ${run} --adapter ${out} --out <folder>\n  undone      by leaving the adapter out\n`,
      )
    })

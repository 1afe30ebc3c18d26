/** @module */
import { join } from 'node:path'

import { Command, Option } from 'commander'

import type { Split } from '../data/sets/splits.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { checkpointOption } from './checkpoint_option.ts'
import { keepResult } from './keep_result.ts'
import type { SamplingFlags } from './generation_options.ts'
import { addSamplingOptions, doSampleOption, drawsAtRandom, givenSampling } from './generation_options.ts'
import { wholeNumber } from './number_argument.ts'

interface JudgeFlags extends SamplingFlags {
  reward: string
  checkpoint?: CheckpointName
  split: Extract<Split, 'validation' | 'test'>
  prompts: number
  doSample?: boolean
  batch: number
  json?: boolean
}

/** `ortune judge <run> [other] --reward …` */
export const judgeCommand = (): Command =>
  addSamplingOptions(
    new Command('judge')
      .argument('<run>', 'the folder of a run that trains a policy, whose data has the prompts')
      .argument('[other]', 'a run, a checkpoint or a model (default: the model before training)')
      .requiredOption(
        '--reward <source>',
        'what scores answers: the folder of a reward model, a metric such as rougeL, or a .ts file',
      )
      .addOption(checkpointOption())
      .addOption(
        new Option('--split <name>', 'which data')
          .choices(['validation', 'test'] satisfies Split[])
          .default('validation'),
      )
      .option(
        '--prompts <n>',
        'prompts to answer, evenly spread over the data',
        wholeNumber({ from: 1 }),
        100,
      )
      .addOption(doSampleOption()),
    'what PPO trained with, or what the preferred answers need',
  )
    .option('--batch <n>', 'prompts answered at a time', wholeNumber({ from: 1 }), 16)
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune judge runs/dpo --reward runs/reward --split test\n  ortune judge runs/ppo runs/dpo --reward rougeL --do-sample --temperature 0.7',
    )
    .action(async (run: string, other: string | undefined, flags: JudgeFlags) => {
      const { judge } = await import('../evaluation/judge.ts')
      const { judgementTable } = await import('../report/judgement_table.ts')
      const { writeFileAtomic } = await import('../formats/atomic.ts')
      const { rewardSource } = await import('./reward_argument.ts')
      const { checkpoint, split, prompts, seed, batch, json } = flags
      const { max_new_tokens: maxNewTokens, ...sampling } = givenSampling(flags)
      const judgement = await judge({
        run,
        other,
        checkpoint,
        split,
        reward: await rewardSource(flags.reward),
        prompts,
        maxNewTokens,
        sampling: { ...sampling, do_sample: drawsAtRandom(flags) },
        seed,
        batch,
        onProgress,
      })
      const file = join(run, `judgement-${judgement.checkpoint}-${split}.json`)
      await keepResult(
        () => writeFileAtomic(file, `${JSON.stringify(judgement, null, 2)}\n`).then(() => file),
        (kept) =>
          process.stdout.write(
            json
              ? `${JSON.stringify(judgement)}\n`
              : `${judgementTable(judgement)}\n${kept === undefined ? '' : `all figures and texts: ${kept}\n`}`,
          ),
      )
    })

function onProgress(doing: string, done: number, total: number): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[2K${done < total ? `${doing} ${done}/${total}` : ''}`)
}

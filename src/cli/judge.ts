/** @module */
import { access, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Command, Option } from 'commander'

import type { Split } from '../data/sets/splits.ts'
import type { UnscoredAnswer } from '../evaluation/judge.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { checkpointOption } from './checkpoint_option.ts'
import type { DeviceFlags } from './device_option.ts'
import { AS_TRAINED, deviceOf, providerOption, threadsOption } from './device_option.ts'
import { keepResult } from './keep_result.ts'
import type { SamplingFlags } from './generation_options.ts'
import { addSamplingOptions, doSampleOption, drawsAtRandom, givenSampling } from './generation_options.ts'
import { wholeNumber } from './number_argument.ts'

interface JudgeFlags extends SamplingFlags, DeviceFlags {
  reward?: string
  out?: string
  checkpoint?: CheckpointName
  split: Extract<Split, 'validation' | 'test'>
  prompts: number
  doSample?: boolean
  batch: number
  json?: boolean
}

/** `ortune judge <run> [other]` */
export const judgeCommand = (): Command =>
  addSamplingOptions(
    new Command('judge')
      .argument('<run>', 'the folder of a run that trains a policy, whose data has the prompts')
      .argument('[other]', 'a run, a checkpoint or a model (default: the model before training)')
      .option(
        '--reward <source>',
        'what scores answers: the folder of a reward model, a metric such as rougeL, or a .ts file (default: what the run was trained on)',
      )
      .option('--out <file>', 'a new file for all figures and texts (default: in the run, numbered)')
      .addOption(checkpointOption())
      .addOption(providerOption(AS_TRAINED))
      .addOption(threadsOption())
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
      '\nExamples:\n  ortune judge runs/dpo --reward runs/reward --split test\n  ortune judge runs/ppo runs/dpo --do-sample --temperature 0.7\n\n' +
        'Each judgement is kept in a file of its own. Where one breaks off, its answers are kept beside, ending in .answers.jsonl.',
    )
    .action(async (run: string, other: string | undefined, flags: JudgeFlags) => {
      const { judge } = await import('../evaluation/judge.ts')
      const { judgementTable } = await import('../report/judgement_table.ts')
      const { writeFileAtomic } = await import('../formats/atomic.ts')
      const { UserError } = await import('../errors.ts')
      const { rewardSource } = await import('./reward_argument.ts')
      const { visible } = await import('../visible_text.ts')
      const { checkpoint, split, prompts, seed, batch, json } = flags
      const { max_new_tokens: maxNewTokens, ...sampling } = givenSampling(flags)
      if (flags.out !== undefined && (await freeFile(flags.out)) !== flags.out)
        throw new UserError(`${flags.out} is there already and is kept; name another file by --out`)
      const answersFile =
        (flags.out ?? join(run, `judgement-${split}`)).replace(/\.json$/, '') + '.answers.jsonl'
      const answers = answersOf(answersFile)
      const judgement = await judge({
        run,
        other,
        checkpoint,
        device: await deviceOf(flags),
        split,
        reward: flags.reward === undefined ? undefined : await rewardSource(flags.reward),
        prompts,
        maxNewTokens,
        sampling: { ...sampling, do_sample: drawsAtRandom(flags) },
        seed,
        batch,
        onProgress,
        onAnswers: answers.keep,
        note: (sentence) => process.stderr.write(`${visible(sentence)}\n`),
      }).catch((error: unknown) => {
        answers.tell()
        throw error
      })
      const file = flags.out ?? (await freeFile(join(run, `judgement-${judgement.checkpoint}-${split}.json`)))
      await keepResult(
        async () => {
          await writeFileAtomic(file, `${JSON.stringify(judgement, null, 2)}\n`)
          await answers.remove()
          return file
        },
        (kept) =>
          process.stdout.write(
            json
              ? `${JSON.stringify(judgement)}\n`
              : `${judgementTable(judgement)}\n${kept === undefined ? '' : `all figures and texts: ${kept}\n`}`,
          ),
      )
    })

/** Keeps answers while they are judged; where they cannot be written, judging goes on all the same. */
function answersOf(file: string) {
  let written = false
  return {
    async keep(this: void, answers: readonly UnscoredAnswer[]): Promise<void> {
      const lines = answers.map((answer) => `${JSON.stringify(answer)}\n`).join('')
      await writeFile(file, lines, { flag: written ? 'a' : 'w' }).then(
        () => (written = true),
        () => undefined,
      )
    },
    tell() {
      if (written) process.stderr.write(`The answers so far are kept in ${file}.\n`)
    },
    remove: () => (written ? rm(file, { force: true }) : Promise.resolve()),
  }
}

/** The file, or the first of `<name>-2.json`, `<name>-3.json` … that is free: an earlier result is kept. */
async function freeFile(file: string): Promise<string> {
  for (let i = 1; ; i++) {
    const path = i === 1 ? file : file.replace(/(\.json)?$/, `-${i}$1`)
    const taken = await access(path).then(
      () => true,
      () => false,
    )
    if (!taken) return path
  }
}

function onProgress(doing: string, done: number, total: number): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[2K${done < total ? `${doing} ${done}/${total}` : ''}`)
}

/** @module */
import { Command, Option } from 'commander'

import type { Split } from '../data/sets/splits.ts'
import type { CheckpointName } from '../models/find_model.ts'
import type { SamplePrompts } from '../evaluation/sample_prompts.ts'
import type { SampleTexts } from '../evaluation/sample_texts.ts'
import { checkpointOption } from './checkpoint_option.ts'
import type { DeviceFlags } from './device_option.ts'
import { AS_TRAINED, deviceOf, providerOption, threadsOption } from './device_option.ts'
import type { EvaluationFlags, RunOrSamples } from './evaluate_fully.ts'
import type { SampleFlags } from './evaluation_samples.ts'
import { keepResult } from './keep_result.ts'
import { wholeNumber } from './number_argument.ts'

interface EvaluateFlags extends EvaluationFlags, SampleFlags, DeviceFlags {
  checkpoint?: CheckpointName
  baseline?: boolean
  json?: boolean
}

/** `ortune evaluate <run> [other]` */
export const evaluateCommand = (): Command =>
  new Command('evaluate')
    .argument('<run>', "the run's folder")
    .argument('[other]', 'another run to stand beside it')
    .addOption(checkpointOption())
    .addOption(providerOption(AS_TRAINED))
    .addOption(threadsOption())
    .option('--baseline', 'stand the model before training beside it')
    .addOption(
      new Option('--split <name>', 'which data')
        .choices(['train', 'validation', 'test'] satisfies Split[])
        .default('validation'),
    )
    .option(
      '--generate <n>',
      'texts to generate and compare with the true ones, where the data has prompts (default: 100)',
      wholeNumber({ from: 0 }),
    )
    .option(
      '--samples <n>',
      'show so many texts with their figures, evenly spread over the data',
      wholeNumber({ from: 1 }),
    )
    .option(
      '--concepts <list...>',
      "the same for these values of the first column that the run's template reads, such as lantern,gravity",
    )
    .option('--prompt <text...>', "the same for these prompts; the run's template is put around them")
    .option('--prompt-file <path>', 'the same for one prompt per line, or per JSON line of a .jsonl file')
    .option(
      '--embedder <model>',
      'feature extractor of transformers.js, a folder or a name, for the cosine (default: the base model itself)',
    )
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune evaluate runs/dictionary --split test --baseline\n  ortune evaluate runs/dictionary --concepts lantern,gravity --generate 0\n  ortune evaluate runs/emotion-lora runs/emotion-full',
    )
    .action(async (first: string, second: string | undefined, flags: EvaluateFlags) => {
      const { standingRun } = await import('../formats/curriculum.ts')
      const run = await standingRun(first)
      const other = second === undefined ? undefined : await standingRun(second)
      const { UserError } = await import('../errors.ts')
      if (flags.baseline && other !== undefined)
        throw new UserError('--baseline and a second run both say what to compare with; leave one out')
      if (other !== undefined) await checkComparable(run, other, flags.split)
      if (flags.baseline) await (await import('../evaluation/evaluate_run.ts')).checkBaseline(run)
      const { evaluateFully, keepEvaluation, openTools } = await import('./evaluate_fully.ts')
      const { drawSamples, wantedSamples } = await import('./evaluation_samples.ts')
      const runs: { readonly run: string; readonly prompts: SamplePrompts | undefined }[] = []
      for (const one of other === undefined ? [run] : [run, other])
        runs.push({ run: one, prompts: await wantedSamples(one, flags.split, flags) })
      const tools = flags.generate === 0 ? undefined : await openTools(run, flags)
      try {
        const evaluated: RunOrSamples[] = []
        const how = { ...flags, device: await deviceOf(flags) }
        if (flags.baseline)
          evaluated.push(await evaluateFully({ ...how, ...runs[0]!, checkpoint: 'base' }, tools))
        for (const one of runs) evaluated.push(await evaluateFully({ ...how, ...one }, tools))
        const samples = evaluated.flatMap((one) => one.sample_texts ?? [])
        const shown = flags.json ? '' : await reportOf(evaluated, samples)
        await keepResult(
          async () => ({
            files: await Promise.all(evaluated.map((one) => keepEvaluation(one))),
            pictures: samples.length > 0 ? await drawSamples(samples) : [],
          }),
          (kept) =>
            process.stdout.write(
              flags.json
                ? `${JSON.stringify(evaluated.length > 1 ? { compared: evaluated } : evaluated[0])}\n`
                : `${shown}\n${kept ? keptLines(kept) : ''}`,
            ),
        )
      } finally {
        await tools?.embedder.release()
      }
    })

/** Figures of two runs say something side by side where the task is the same; other data is said aloud. */
async function checkComparable(run: string, other: string, split: Split): Promise<void> {
  const { UserError } = await import('../errors.ts')
  const { readRunManifest } = await import('../runs/run_manifest.ts')
  const { openSplit } = await import('../runs/split.ts')
  const fingerprintOf = async (one: string) => {
    const data = await openSplit(one, split)
    data.close()
    return data.fingerprint
  }
  const fingerprints = [await fingerprintOf(run), await fingerprintOf(other)]
  const [first, second] = [await readRunManifest(run), await readRunManifest(other)]
  if (first.task !== second.task)
    throw new UserError(
      `${run} is of task ${first.task} and ${other} of task ${second.task}, whose figures do not compare; evaluate them one by one`,
    )
  if (fingerprints[0] !== fingerprints[1])
    process.stderr.write(
      'note: the two runs are evaluated on different data, or by different templates, so each is judged on its own\n',
    )
}

/** All of it for the terminal. */
async function reportOf(
  [one, other]: readonly RunOrSamples[],
  samples: readonly SampleTexts[],
): Promise<string> {
  const { evaluationReport } = await import('../report/evaluation_report.ts')
  const { samplesText } = await import('./evaluation_samples.ts')
  const isWhole = (some: RunOrSamples | undefined) => some?.generation !== undefined
  return [
    isWhole(one) ? await evaluationReport(one, isWhole(other) ? other : undefined) : '',
    samples.length > 0 ? await samplesText(samples) : '',
  ]
    .filter((part) => part !== '')
    .join('\n')
}

const keptLines = ({ files, pictures }: Record<'files' | 'pictures', readonly string[]>): string =>
  `all figures and texts: ${files.join(', ')}\n` +
  (pictures.length > 0 ? `texts as a picture: ${pictures.join(', ')}\n` : '')

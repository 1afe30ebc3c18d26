/** @module */
import { Command } from 'commander'

import type { ClassesHead } from '../../graphs/models/head.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { visible } from '../visible_text.ts'
import { checkpointOption } from './checkpoint_option.ts'
import type { DeviceFlags } from './device_option.ts'
import { deviceOf, providerOption, threadsOption } from './device_option.ts'
import { realNumber } from './number_argument.ts'

interface ClassifyFlags extends DeviceFlags {
  text?: string[]
  file?: string
  checkpoint?: CheckpointName
  threshold?: number
  json?: boolean
}

interface Named {
  readonly name: string
  readonly number: number
}

interface Classified {
  readonly text: string
  /** The likeliest first; of a regression in the model's order. */
  readonly classes: readonly Named[]
}

/** Classes that are shown of each text. */
const SHOWN = 5

/** `ortune classify <folder>` */
export const classifyCommand = (): Command =>
  new Command('classify')
    .argument(
      '<folder>',
      'folder of a run (its best checkpoint is used), a checkpoint or an exported classifier',
    )
    .option(
      '--text <text...>',
      "text to classify, or a JSON object of the columns that the run's template reads",
    )
    .option('--file <path>', 'one such text per line; in a .jsonl file each line is a JSON string or object')
    .addOption(checkpointOption())
    .option(
      '--threshold <p>',
      'of a multi-label classifier: the probability from which on a text has a label (default: 0.5)',
      realNumber({ from: 0, to: 1 }),
    )
    .addOption(providerOption())
    .addOption(threadsOption())
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune classify runs/emotion --text "i feel wonderful today"\n' +
        '  ortune classify runs/rte --text \'{"sentence1": "A dog runs.", "sentence2": "An animal moves."}\'',
    )
    .action(async (folder: string, flags: ClassifyFlags) => {
      const { text, file, checkpoint, threshold, json } = flags
      const { readTexts } = await import('./prompts.ts')
      const { renderTexts } = await import('../data/templates/given_texts.ts')
      const { kinds } = await import('../data/kinds/index.ts')
      const { openClassifier } = await import('../models/open_classifier.ts')
      const { templatesOfRun } = await import('../runs/templates.ts')
      const given = await readTexts(text ?? [], file)
      const texts = renderTexts(given, (await templatesOfRun(folder)).find(kinds.classification.fits))
      const classifier = await openClassifier(folder, { checkpoint, ...(await deviceOf(flags)) })
      try {
        const { kind, classes } = classifier
        const { ranked, takesThreshold, ...results } = RESULTS[kind](threshold ?? THRESHOLD)
        if (threshold !== undefined && !takesThreshold) {
          const { UserError } = await import('../errors.ts')
          throw new UserError(
            `${folder} is no multi-label classifier, so there is nothing for --threshold; leave it out`,
          )
        }
        const numbers = await classifier.classify(texts)
        const classified = given.map((text, i) => ({
          text: typeof text === 'string' ? text : JSON.stringify(text),
          classes: named(classes, numbers[i]!, ranked),
        }))
        const json_texts = classified.map(({ text, classes }) => ({ text, ...results.json(classes) }))
        process.stdout.write(
          json
            ? `${JSON.stringify({ model: folder, kind, ...results.about, texts: json_texts })}\n`
            : table(classified, results),
        )
      } finally {
        await classifier.release()
      }
    })

/** From this probability on a text has a label. */
const THRESHOLD = 0.5

interface Results {
  /** Whether the highest number comes first; else the order is the classes'. */
  readonly ranked: boolean
  readonly takesThreshold: boolean
  /** What `--json` says of all texts. */
  readonly about?: object
  /** What it says of one. */
  readonly json: (classes: readonly Named[]) => object
  /** What a line says of a class. */
  readonly line: (of: Named) => string
  /** Classes of a text that have one. */
  readonly shown?: number
}

const percent = (p: number): string => `${(100 * p).toFixed(1).padStart(5)} %`
const probabilities = (classes: readonly Named[]) =>
  classes.map(({ name, number }) => ({ name, probability: number }))

/** How what a classifier gives is shown. */
const RESULTS: Readonly<Record<ClassesHead['kind'], (threshold: number) => Results>> = {
  classes: () => ({
    ranked: true,
    takesThreshold: false,
    json: (classes) => ({ classes: probabilities(classes) }),
    line: ({ number }) => percent(number),
    shown: SHOWN,
  }),
  labels: (threshold) => ({
    ranked: true,
    takesThreshold: true,
    about: { threshold },
    json: (classes) => ({
      labels: classes.filter(({ number }) => number >= threshold).map(({ name }) => name),
      classes: probabilities(classes),
    }),
    line: ({ number }) => `${percent(number)}${number >= threshold ? '  yes' : ''}`,
  }),
  values: () => ({
    ranked: false,
    takesThreshold: false,
    json: (classes) => ({ values: classes.map(({ name, number }) => ({ name, value: number })) }),
    line: ({ number }) => number.toFixed(4).padStart(9),
  }),
}

function named(classes: readonly string[], numbers: Float32Array, ranked: boolean): Named[] {
  const all = classes.map((name, i) => ({ name, number: numbers[i]! }))
  return ranked ? all.sort((a, b) => b.number - a.number) : all
}

function table(classified: readonly Classified[], { line, shown }: Pick<Results, 'line' | 'shown'>): string {
  const width = Math.max(
    ...classified.flatMap(({ classes }) => classes.map(({ name }) => visible(name).length)),
  )
  const lineOf = (named: Named) => `  ${visible(named.name).padEnd(width)}  ${line(named)}\n`
  return classified
    .map(({ text, classes }) => `${visible(text)}\n${classes.slice(0, shown).map(lineOf).join('')}`)
    .join('\n')
}

/** @module */
import { Command } from 'commander'

import type { CheckpointName } from '../models/find_model.ts'
import { visible } from '../visible_text.ts'
import { checkpointOption } from './checkpoint_option.ts'
import { wholeNumber } from './number_argument.ts'

interface ClassifyFlags {
  text?: string[]
  file?: string
  checkpoint?: CheckpointName
  threads?: number
  json?: boolean
}

interface Classified {
  readonly text: string
  /** The likeliest first. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[]
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
    .option('--threads <n>', 'threads to compute with', wholeNumber({ from: 1 }))
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune classify runs/emotion --text "i feel wonderful today"\n' +
        '  ortune classify runs/rte --text \'{"sentence1": "A dog runs.", "sentence2": "An animal moves."}\'',
    )
    .action(async (folder: string, { text, file, checkpoint, threads, json }: ClassifyFlags) => {
      const { readTexts } = await import('./prompts.ts')
      const { renderTexts } = await import('../data/templates/given_texts.ts')
      const { kinds } = await import('../data/kinds/index.ts')
      const { openClassifier } = await import('../models/open_classifier.ts')
      const { templatesOfRun } = await import('../runs/templates.ts')
      const given = await readTexts(text ?? [], file)
      const texts = renderTexts(given, (await templatesOfRun(folder)).find(kinds.classification.fits))
      const classifier = await openClassifier(folder, { checkpoint, threads })
      try {
        const probabilities = await classifier.classify(texts)
        const classified = given.map((text, i) => ({
          text: typeof text === 'string' ? text : JSON.stringify(text),
          classes: ranking(classifier.classes, probabilities[i]!),
        }))
        process.stdout.write(
          json ? `${JSON.stringify({ model: folder, texts: classified })}\n` : table(classified),
        )
      } finally {
        await classifier.release()
      }
    })

function ranking(classes: readonly string[], probabilities: Float32Array): Classified['classes'] {
  const ranked = classes.map((name, i) => ({ name, probability: probabilities[i]! }))
  return ranked.sort((a, b) => b.probability - a.probability)
}

function table(classified: readonly Classified[]): string {
  const width = Math.max(
    ...classified.flatMap(({ classes }) => classes.map(({ name }) => visible(name).length)),
  )
  const line = ({ name, probability }: Classified['classes'][number]) =>
    `  ${visible(name).padEnd(width)}  ${(100 * probability).toFixed(1).padStart(5)} %\n`
  return classified
    .map(({ text, classes }) => `${visible(text)}\n${classes.slice(0, SHOWN).map(line).join('')}`)
    .join('\n')
}

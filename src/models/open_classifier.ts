/**
 * Opens a classifier: a run of task classification, one of its checkpoints, or a folder that was exported or that transformers
 * saved.
 * @module
 */
import type { ClassesHead } from '../../graphs/models/head.ts'
import { isNamed } from '../../graphs/models/head.ts'
import { encodeSequence } from '../data/examples/encode.ts'
import { END_MARK, END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName } from './find_model.ts'
import { findModel, headOf } from './find_model.ts'
import type { Device } from '../runtime/device.ts'
import { mapByLength } from '../generation/by_length.ts'
import { openLogits } from './open_logits.ts'

export interface ClassifierOptions extends Device {
  /** Of a run; by default the best. */
  readonly checkpoint?: CheckpointName | undefined
  /** Texts that are classified together. Default 32. */
  readonly batch?: number
}

export interface OpenClassifier {
  readonly classes: readonly string[]
  /**
   * What its numbers are: `classes`, probabilities that sum to 1; `labels`, of which each has a probability of its own; `values`,
   * those of a regression.
   */
  readonly kind: ClassesHead['kind']
  /**
   * The number of each class, per text. `<|endoftext|>` in a text stands for the end of a text, as in templates;
   * a text that is longer than the context is cut at its end.
   */
  classify(texts: readonly string[]): Promise<Float32Array[]>
  release(): Promise<void>
}

/**
 * Opens a run of classification, or an exported classifier.
 *
 * @example
 * const classifier = await openClassifier('runs/part_of_speech')
 * const [probabilities] = await classifier.classify(['to move fast on foot'])
 * console.log(classifier.classes[probabilities!.indexOf(Math.max(...probabilities!))])
 *
 * @throws UserError where the folder holds no classifier
 */
export async function openClassifier(
  folder: string,
  { checkpoint, batch = 32, ...sessionOptions }: ClassifierOptions = {},
): Promise<OpenClassifier> {
  const found = await findModel(folder, { checkpoint })
  const head = headOf(found)
  if (head.kind === 'score')
    throw new UserError(`${folder} is a reward model, which knows no classes; use "ortune score" instead`)
  if (!isNamed(head))
    throw new UserError(
      checkpoint === 'base'
        ? `${folder}: the model before training has no head; choose best or last`
        : `${folder} is no classifier; name a run of task classification or its exported model`,
    )
  const model = await openLogits(found, sessionOptions)
  const { tokenizer, context } = model
  return {
    classes: head.classes,
    kind: head.kind,
    async classify(texts) {
      const rows = texts.map((text, i) => {
        const { ids } = encodeSequence(tokenizer, text.replaceAll(END_OF_TEXT, END_MARK), context)
        if (ids.length === 0) throw new UserError(`text ${i + 1} is empty; there is nothing to classify`)
        return Int32Array.from(ids)
      })
      return (await mapByLength(rows, batch, (some) => model.logits(some))).map(MEANING[head.kind])
    },
    release: () => model.release(),
  }
}

/** From logits to what they mean. */
const MEANING: Readonly<Record<ClassesHead['kind'], (logits: Float32Array) => Float32Array>> = {
  classes: softmax,
  labels: (logits) => logits.map((z) => 1 / (1 + Math.exp(-z))),
  values: (logits) => logits,
}

/** exp(zᵢ − max z) / Σⱼ exp(zⱼ − max z) */
function softmax(logits: Float32Array): Float32Array {
  const highest = Math.max(...logits)
  const exponentials = logits.map((z) => Math.exp(z - highest))
  const sum = exponentials.reduce((total, value) => total + value, 0)
  return exponentials.map((value) => value / sum)
}

/** @module */
import type { ClassesHead } from '../../graphs/models/head.ts'
import { encodeSequence } from '../data/examples/encode.ts'
import { END_MARK, END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { UserError } from '../errors.ts'
import { mapByLength } from '../generation/by_length.ts'
import type { HeadLogits } from './head_logits.ts'

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
 * A classifier over what a head says.
 *
 * @param batch texts that are classified together
 */
export function classifierOver(model: HeadLogits, head: ClassesHead, batch = 32): OpenClassifier {
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

/**
 * Opens a classifier: a run of task classification, one of its checkpoints, or an exported folder.
 * @module
 */
import { classifierGraph } from '../../graphs/artifacts/classification.ts'
import { backboneShapes } from '../../graphs/models/classifier.ts'
import { collateTokens } from '../data/collate.ts'
import { encodeText } from '../data/encode.ts'
import { END_MARK, END_OF_TEXT } from '../data/end_of_text.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName } from '../formats/find_model.ts'
import { findModel } from '../formats/find_model.ts'
import type { NodeSessionOptions } from '../runtime/node.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import { mapByLength } from './by_length.ts'
import { openFoundModel } from './open_found_model.ts'

export interface ClassifierOptions extends Pick<NodeSessionOptions, 'provider' | 'threads'> {
  /** Of a run; by default the best. */
  readonly checkpoint?: CheckpointName
  /** Texts that are classified together. Default 32. */
  readonly batch?: number
}

export interface OpenClassifier {
  readonly classes: readonly string[]
  /**
   * The probability of each class, per text. `<|endoftext|>` in a text stands for the end of a text, as in templates;
   * a text that is longer than the context is cut at its end.
   */
  classify(texts: readonly string[]): Promise<Float32Array[]>
  release(): Promise<void>
}

const NO_LABELS = new Int32Array(0)

/** @throws UserError where the folder holds no classifier */
export async function openClassifier(
  folder: string,
  { checkpoint, batch = 32, ...sessionOptions }: ClassifierOptions = {},
): Promise<OpenClassifier> {
  const found = await findModel(folder, { checkpoint })
  const { base, classifier } = found
  if (!classifier)
    throw new UserError(
      checkpoint === 'base'
        ? `${folder}: the model before training has no head; choose best or last`
        : `${folder} is no classifier; name a run of task classification or its exported model`,
    )
  const { classes, pooling } = classifier
  const tokenizer = await loadTokenizer(base)
  const task = { classes: classes.length, pooling }
  const { config, session, parameters } = await openFoundModel(
    found,
    backboneShapes,
    ({ lora, ...parts }) => classifierGraph({ ...parts, ...task, lora: lora === 'full' ? 'none' : lora }),
    sessionOptions,
  )

  async function classifyRows(rows: readonly Int32Array[]): Promise<Float32Array[]> {
    const { feeds } = collateTokens(rows.map((input_ids) => [{ input_ids, labels: NO_LABELS }]))
    const { input_ids, attention_mask } = feeds
    const { logits } = await session.run({
      input_ids: input_ids!,
      attention_mask: attention_mask!,
      ...parameters,
    })
    const data = logits!.data as Float32Array
    return rows.map((_, row) => softmax(data.subarray(row * classes.length, (row + 1) * classes.length)))
  }

  return {
    classes,
    classify(texts) {
      const rows = texts.map((text, i) => {
        const ids = encodeText(tokenizer, text.replaceAll(END_OF_TEXT, END_MARK)).slice(0, config.n_positions)
        if (ids.length === 0) throw new UserError(`text ${i + 1} is empty; there is nothing to classify`)
        return Int32Array.from(ids)
      })
      return mapByLength(rows, batch, classifyRows)
    },
    release: () => session.release(),
  }
}

/** exp(zᵢ − max z) / Σⱼ exp(zⱼ − max z) */
function softmax(logits: Float32Array): Float32Array {
  const highest = Math.max(...logits)
  const exponentials = logits.map((z) => Math.exp(z - highest))
  const sum = exponentials.reduce((total, value) => total + value, 0)
  return exponentials.map((value) => value / sum)
}

/**
 * Opens a classifier: a run of task classification, one of its checkpoints, or a folder that was exported or that transformers
 * saved.
 * @module
 */
import { isNamed } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName } from './find_model.ts'
import { findModel, headOf } from './find_model.ts'
import type { Device } from '../runtime/device.ts'
import type { OpenClassifier } from './classifier.ts'
import { classifierOver } from './classifier.ts'
import { openLogits } from './open_logits.ts'

export type { OpenClassifier }

export interface ClassifierOptions extends Device {
  /** Of a run; by default the best. */
  readonly checkpoint?: CheckpointName | undefined
  /** Texts that are classified together. Default 32. */
  readonly batch?: number
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
  { checkpoint, batch, ...sessionOptions }: ClassifierOptions = {},
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
  return classifierOver(await openLogits(found, sessionOptions), head, batch)
}

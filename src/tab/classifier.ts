/** @module */
import { headOutputs, isNamed } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import type { PeftAdapter } from '../formats/peft_files.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import { adapterInputs } from '../models/adapter_inputs.ts'
import type { OpenClassifier } from '../models/classifier.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { TabModel } from './model.ts'
import type { TabRunRecord } from './run_record.ts'

/**
 * Opens what a run of classification has trained.
 *
 * @param of what errors call it, and what its numbers mean: a run's record, or an adapter's name and head
 * @param adapter with the tensors of the head
 * @throws UserError where it knows no classes
 */
export async function openTabClassifier(
  model: TabModel,
  { name, head }: Pick<TabRunRecord, 'name' | 'head'>,
  adapter: PeftAdapter,
  runtime: Runtime,
): Promise<OpenClassifier> {
  if (!isNamed(head))
    throw new UserError(
      `${name} knows no classes; choose a run of task classification, or an adapter with head.json`,
    )
  const [{ classifierGraph }, { classifierOver }, { headLogits }] = await Promise.all([
    import('../../graphs/tasks/classification.ts'),
    import('../models/classifier.ts'),
    import('../models/head_logits.ts'),
  ])
  const { config, tokenizer, files } = model
  const { lora, feeds } = adapterInputs(config, adapter, name)
  const classes = headOutputs(head)
  const { session, constants } = await model.openGraph(
    'the classifier',
    (stored) => classifierGraph({ config, stored, lora, npt: null, classes, pooling: head.pooling }),
    runtime,
  )
  const parameters = { ...constants, ...feeds, ...tensorFeeds(adapter.head ?? new Map()) }
  return classifierOver(
    headLogits({ config, head, tokenizer, session, parameters, where: files.where }),
    head,
  )
}

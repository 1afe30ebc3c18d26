/** @module */
import { classifierGraph } from '../../graphs/tasks/classification.ts'
import { headOutputs, isPooled } from '../../graphs/models/head.ts'
import type { FoundModel } from './find_model.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { headOf } from './find_model.ts'
import type { HeadLogits } from './head_logits.ts'
import { headLogits } from './head_logits.ts'
import { openFoundModel } from './open_found_model.ts'

/**
 * Opens a model with a head.
 *
 * @param found has a head on a pooled vector
 * @throws UserError where its parts cannot be read or do not fit each other
 */
export async function openLogits(found: FoundModel, device: Device = {}): Promise<HeadLogits> {
  const head = headOf(found)
  if (!isPooled(head)) throw new Error(`${found.base} has no head on a pooled vector`)
  const { pooling } = head
  const classes = headOutputs(head)
  const tokenizer = await loadTokenizer(found.base)
  const task = { classes, pooling }
  const opened = await openFoundModel(
    found,
    ({ lora, ...parts }) => classifierGraph({ ...parts, ...task, lora: lora === 'full' ? 'none' : lora }),
    nodeRuntime(device),
  )
  return headLogits({ ...opened, head, tokenizer, where: found.base })
}

/** @module */
import { classifierGraph } from '../../graphs/tasks/classification.ts'
import { headOutputs, isPooled } from '../../graphs/models/head.ts'
import { factsOf } from '../../graphs/models/family.ts'
import { checkTokenizer } from '../data/examples/bert_sequence.ts'
import { collateEncoder } from '../data/batches/collate_encoder.ts'
import type { FoundModel } from './find_model.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { headOf } from './find_model.ts'
import { openFoundModel } from './open_found_model.ts'

/** What a head says of sequences. */
export interface OpenLogits {
  readonly tokenizer: Tokenizer
  /** Longest sequence, in tokens. */
  readonly context: number
  /** The logit of each class, per sequence of token ids. */
  logits(rows: readonly Int32Array[]): Promise<Float32Array[]>
  release(): Promise<void>
}

/**
 * Opens a model with a head.
 *
 * @param found has a head on a pooled vector
 * @throws UserError where its parts cannot be read or do not fit each other
 */
export async function openLogits(found: FoundModel, device: Device = {}): Promise<OpenLogits> {
  const head = headOf(found)
  if (!isPooled(head)) throw new Error(`${found.base} has no head on a pooled vector`)
  const { pooling } = head
  const classes = headOutputs(head)
  const tokenizer = await loadTokenizer(found.base)
  const task = { classes, pooling }
  const { config, session, parameters } = await openFoundModel(
    found,
    ({ lora, ...parts }) => classifierGraph({ ...parts, ...task, lora: lora === 'full' ? 'none' : lora }),
    nodeRuntime(device),
  )
  checkTokenizer(tokenizer, config, found.base)
  return {
    tokenizer,
    context: factsOf(config).context,
    async logits(rows) {
      // The graph works out the positions itself.
      const { input_ids, attention_mask, token_type_ids } = collateEncoder(
        rows.map((row) => ({ input_ids: row })),
        { config, pooling, separator: tokenizer.sepId },
      )
      const { logits } = await session.run({
        input_ids: input_ids!,
        attention_mask: attention_mask!,
        ...(token_type_ids ? { token_type_ids } : {}),
        ...parameters,
      })
      const data = logits!.data as Float32Array
      return rows.map((_, row) => data.slice(row * classes, (row + 1) * classes))
    },
    release: () => session.release(),
  }
}

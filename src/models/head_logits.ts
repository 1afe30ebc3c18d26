/** @module */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { PooledHead } from '../../graphs/models/head.ts'
import { headOutputs } from '../../graphs/models/head.ts'
import { collateEncoder } from '../data/batches/collate_encoder.ts'
import { checkTokenizer } from '../data/examples/bert_sequence.ts'
import type { Session, Tensors } from '../runtime/session.ts'
import type { Tokenizer } from '../text/tokenizer.ts'

/** What a head says of sequences. */
export interface HeadLogits {
  readonly tokenizer: Tokenizer
  /** Longest sequence, in tokens. */
  readonly context: number
  /** The logit of each class, per sequence of token ids. */
  logits(rows: readonly Int32Array[]): Promise<Float32Array[]>
  release(): Promise<void>
}

/** What {@link HeadLogits} consist of. */
export interface HeadParts {
  readonly config: ModelConfig
  readonly head: PooledHead
  readonly tokenizer: Tokenizer
  /** Of the classifier's graph. */
  readonly session: Session
  /** Fed with every run. */
  readonly parameters: Tensors
  /** What errors call the model. */
  readonly where: string
}

/** @throws UserError where the tokenizer is none for such a model */
export function headLogits({ config, head, tokenizer, session, parameters, where }: HeadParts): HeadLogits {
  const { pooling } = head
  const classes = headOutputs(head)
  checkTokenizer(tokenizer, config, where)
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

/**
 * What the tasks with a head on a pooled vector share: classification and reward models.
 * @module
 */
import type { Head, PooledHead } from '../../graphs/models/head.ts'
import { isPooled } from '../../graphs/models/head.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { EncoderTokens } from '../data/batches/collate_encoder.ts'
import type { Dropout } from '../learning/dropout.ts'
import type { RunFacts } from './task.ts'

/** The head, which a run of such a task has. */
export function pooledHead(head: Head): PooledHead {
  if (!isPooled(head)) throw new Error('this task trains a head on a pooled vector, and the run has none')
  return head
}

/** How batches of a run are made: the encoder's tokens, and what drops features of its pooled vectors. */
export function encoderSettings({ head, config, tokenizer, settings }: RunFacts): EncoderTokens & Dropout {
  const { pooling, dropout } = pooledHead(head)
  return {
    ...{ config, pooling, separator: tokenizer.eosId },
    ...{ dropout, width: factsOf(config).width, seed: settings.seed },
  }
}

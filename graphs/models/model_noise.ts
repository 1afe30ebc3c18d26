/**
 * What disturbs a model while it learns, and not where it is judged or used: dropout, and noise on embeddings.
 * @module
 */
import { wideType } from '../ir/dtype.ts'
import type { FloatType } from '../ir/dtype.ts'
import type { Graph, Value } from '../ir/graph.ts'
import type { Dropped } from '../layers/attention.ts'
import { dropout } from '../layers/dropout.ts'
import { late } from '../layers/late.ts'
import { attentionNoise, kept, perToken, rowNoise, uniform } from '../layers/noise.ts'
import {
  add,
  cast,
  div,
  gather,
  greater,
  mul,
  reduceSum,
  reshape,
  sqrt,
  transpose,
  unsqueeze,
} from '../ops/index.ts'
import type { Tokens } from './family.ts'

/** What is asked for beside the dropout of adapters, which their configuration has. */
export interface NoiseOptions {
  /** Whether the model drops out what its configuration says. */
  readonly dropout?: boolean
  /** α of NEFTune. */
  readonly neftune_noise_alpha?: number
}

/** What a model's parts ask; each place that asks has numbers of its own. */
export interface ModelNoise {
  /** Of the model's own dropout: x [batch*sequence, columns] with columns of its rows dropped; x itself where there is none. */
  readonly drop: (x: Value, p: number) => Value
  /** The same of an adapter's input, whose rows may be sequences as well. */
  readonly dropAdapted: (x: Value, p: number) => Value
  /** Of a layer's attention probabilities, of so many heads; undefined where there is none. */
  readonly attention: (p: number, heads: number) => Dropped | undefined
  /** NEFTune: embeddings of tokens, [batch, sequence, width], with noise. */
  readonly embedded: (x: Value) => Value
}

export const noNoise: ModelNoise = {
  drop: (x) => x,
  dropAdapted: (x) => x,
  attention: () => undefined,
  embedded: (x) => x,
}

/** The input that random numbers are made of. */
export const NOISE_KEYS = 'noise_keys'

const DOC =
  'a random odd number of each token, new at each step, that dropout and noise are made of; the same ones make the same step again'

/**
 * Declares `noise_keys`, int32 of the tokens' shape.
 *
 * @param dtype what the graph computes in
 */
export function declareNoise(
  graph: Graph,
  { input_ids, attention_mask }: Tokens,
  { dropout: drops = false, neftune_noise_alpha: alpha = 0 }: NoiseOptions,
  dtype: FloatType,
): ModelNoise {
  const keys = graph.input(NOISE_KEYS, 'int32', input_ids.shape, DOC)
  const tokens = perToken(keys)
  let places = 0

  const dropAdapted = (x: Value, p: number): Value => {
    if (p === 0) return x
    const rows = x.shape[0] === tokens.shape[0] ? tokens : firstOfEach(keys)
    return dropout(x, kept(rowNoise(rows, places++, x.shape[1] as number), p), p)
  }
  return {
    dropAdapted,
    drop: (x, p) => (drops ? dropAdapted(x, p) : x),
    attention(p, heads) {
      if (!drops || p === 0) return undefined
      const place = places++
      return (dO) => {
        const mask = kept(attentionNoise(dO ? late(keys, dO) : keys, place, heads), p)
        return (x) => dropout(x, mask, p)
      }
    },
    embedded(x) {
      if (alpha === 0) return x
      const [batch, sequence, width] = x.shape as [string, string, number]
      const wide = wideType(dtype)
      const noise = reshape(uniform(rowNoise(tokens, places++, width), wide), [batch, sequence, width])
      // ε = α/√(L·d)·u, u uniform in −1 … 1, L the tokens of the sequence and d the width (Jain et al. 2023)
      const tokensOf = reduceSum(cast(greater(attention_mask, 0), wide), [1])
      const size = div(alpha, sqrt(mul(tokensOf, width)))
      return add(x, cast(mul(noise, unsqueeze(size, 2)), x.dtype))
    },
  }
}

/** The first token's key of each sequence, [batch, 1]. */
const firstOfEach = (keys: Value): Value =>
  unsqueeze(gather(transpose(keys, [1, 0]), keys.graph.scalar(0, 'int64')), 1)

/**
 * Attention as the layers of a model's family do it.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import type { Attend } from '../layers/attention.ts'
import { maskedAttention, windowed } from '../layers/attention.ts'
import { lookedUp } from '../ops/index.ts'
import type { ModelConfig, Tokens } from './family.ts'
import { factsOf, familyOf } from './family.ts'
import { noNoise } from './model_noise.ts'

/**
 * Attention over whole sequences.
 *
 * @param mask what each token may see, as it is added to scores
 */
export function attendTo(config: ModelConfig, mask: Value, tokens: Tokens, noise = noNoise): Attend {
  const positions = () => tokenPositions(config, tokens)
  return maskedAttention(
    familyOf(config).attentionScale(config),
    layerMasks(config, mask, positions, positions),
    (heads) => noise.attention(factsOf(config).attentionDropout ?? 0, heads),
  )
}

/** The positions of tokens in their texts, float32 [rows, sequence]. */
export const tokenPositions = (config: ModelConfig, { position_ids }: Tokens): Value =>
  lookedUp(position_ids!, factsOf(config).context - 1)

/**
 * The mask of each layer: one of those with a window of the same size.
 *
 * @param queries positions in their texts, [batch, queries]; asked for where a layer has a window
 * @param keys the same of those who are seen, [batch, keys]
 */
export function layerMasks(
  config: ModelConfig,
  mask: Value,
  queries: () => Value,
  keys: () => Value,
): (layer: number) => Value {
  const masks = new Map<number | null, Value>([[null, mask]])
  const { layers } = factsOf(config)
  // Made before the layers, which may be computed once more by themselves.
  for (let layer = 0; layer < layers; layer++) {
    const window = familyOf(config).window(config, layer)
    if (!masks.has(window)) masks.set(window, windowed(mask, queries(), keys(), window!))
  }
  return (layer) => masks.get(familyOf(config).window(config, layer))!
}

/**
 * The graph that turns texts into vectors: the mean of a model's last hidden states.
 * @module
 */
import type { ExternalData } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { maskedMean } from '../layers/pooling.ts'
import { declareModel } from '../models/adaptation.ts'
import { attendTo } from '../models/attend.ts'
import { backboneShapes } from '../models/encoder.ts'
import type { ModelConfig } from '../models/family.ts'
import { familyOf } from '../models/family.ts'
import { languageTokens } from '../models/language_model.ts'

export interface EmbeddingTask {
  readonly config: ModelConfig
  /** Where the parameters lie; absent: every parameter is an input. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
}

/**
 * `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence] in; `embeddings` [batch, width] out: per row, the
 * mean over its real tokens of the last hidden states. Padding may lie on either side; a row of padding alone has no mean.
 */
export function embeddingGraph({ config, stored }: EmbeddingTask): Graph {
  const graph = new Graph('embedding', 'texts as vectors')
  const tokens = languageTokens(graph, { config })
  const model = declareModel(graph, { config, shapes: backboneShapes(config), lora: 'none' }, tokens, stored)
  const family = familyOf(config)
  const mask = family.mask(tokens.attention_mask, 'float32')
  const hidden = family.body(config, model, attendTo(config, mask, tokens), tokens)
  graph.output(
    'embeddings',
    maskedMean(hidden, tokens.attention_mask),
    'the mean of the last hidden states of each text',
  )
  return graph
}

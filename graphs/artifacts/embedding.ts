/**
 * The graph that turns texts into vectors: the mean of a model's last hidden states.
 * @module
 */
import type { ExternalData } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { maskedMean } from '../layers/pooling.ts'
import { backboneShapes } from '../models/encoder.ts'
import { causalAttention, gpt2 } from '../models/gpt2.ts'
import type { Gpt2Config } from '../models/gpt2_config.ts'
import { noAdapters } from '../models/lora_config.ts'
import { frozenParameters, inputParameters } from '../models/parameters.ts'

export interface EmbeddingTask {
  readonly config: Gpt2Config
  /** Where the parameters lie; absent: every parameter is an input. */
  readonly stored?: ReadonlyMap<string, ExternalData>
}

/**
 * `input_ids`, `attention_mask`, `position_ids` int64 [batch, sequence] in; `embeddings` [batch, n_embd] out: per row, the
 * mean over its real tokens of the hidden states after the last layer norm. Padding may lie on either side; a row of
 * padding alone has no mean.
 */
export function embeddingGraph({ config, stored }: EmbeddingTask): Graph {
  const graph = new Graph('embedding')
  const inputIds = graph.input('input_ids', 'int64', ['batch', 'sequence'])
  const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'sequence'])
  const positionIds = graph.input('position_ids', 'int64', ['batch', 'sequence'])
  const shapes = backboneShapes(config)
  const parameters = stored ? frozenParameters(graph, shapes, stored) : inputParameters(graph, shapes)
  const hidden = gpt2(config, parameters, noAdapters, causalAttention(config, attentionMask, 'float32'), {
    input_ids: inputIds,
    position_ids: positionIds,
  })
  graph.output('embeddings', maskedMean(hidden, attentionMask))
  return graph
}

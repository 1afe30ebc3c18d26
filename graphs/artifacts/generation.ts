/**
 * The graphs of text generation with a key/value cache.
 * @module
 */
import type { ExternalData, Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { attention, cachedCausalMask } from '../layers/attention.ts'
import type { KeysAndValues } from '../layers/cached_attention.ts'
import { cachedAttention } from '../layers/cached_attention.ts'
import { declareModel } from '../models/adaptation.ts'
import { attentionScale, gpt2, lmHead } from '../models/gpt2.ts'
import type { Gpt2Config } from '../models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../models/gpt2_config.ts'
import type { LoraConfig } from '../models/lora_config.ts'
import { concat, gather, gemm, reshape } from '../ops/index.ts'
import type { NptConfig } from '../models/npt_config.ts'

export interface GenerationTask {
  readonly config: Gpt2Config
  /** With adapters, their tensors and `lora_scale` are inputs and can be swapped between runs. */
  readonly lora?: LoraConfig
  /** Plastic blocks; their tensors are inputs where `stored` does not have them. */
  readonly npt?: NptConfig | null
  /** Where the parameters lie; absent: every parameter is an input, as in full fine-tuning. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
}

/**
 * Inference in the layout that transformers.js loads: `input_ids`, `position_ids` int64 [batch, sequence],
 * `attention_mask` int64 [batch, past_sequence + sequence], `past_key_values.N.key|value`
 * [batch, n_head, past_sequence, head_size] in; `logits` [batch, sequence, vocab_size] and `present.N.key|value`, the
 * past with the new positions appended, out.
 */
export function inferenceGraph(task: GenerationTask): Graph {
  const { graph, hidden, head, presents } = forward('inference', task, (q, past, fresh, mask, scale) => {
    const all = { key: concat([past.key, fresh.key], 2), value: concat([past.value, fresh.value], 2) }
    return { output: attention(q, all.key, all.value, mask, scale), present: all }
  })
  const logits = gemm(hidden, head, { transB: true })
  graph.output('logits', reshape(logits, ['batch', 'sequence', task.config.vocab_size]))
  giveOut(graph, presents)
  return graph
}

/**
 * One step of ortune's own decoder. The inputs are those of {@link inferenceGraph} and `logits_positions` int64
 * [rows], flat indices b·sequence + t; out come `logits` [rows, vocab_size] of those positions only, and as
 * `present.N.key|value` just the new positions [batch, n_head, sequence, head_size]. The caller keeps the cache in
 * fixed buffers and writes them into it, which on a CPU is twice as fast as returning the grown cache.
 */
export function decodingGraph(task: GenerationTask): Graph {
  const { graph, hidden, head, presents } = forward('decoding', task, (q, past, fresh, mask, scale) => ({
    output: cachedAttention(q, past, fresh, mask, scale),
    present: fresh,
  }))
  const positions = graph.input('logits_positions', 'int64', ['rows'])
  graph.output('logits', gemm(gather(hidden, positions), head, { transB: true }))
  giveOut(graph, presents)
  return graph
}

/** Attends to past and fresh positions, and says which keys and values the graph gives out. */
type AttendCached = (
  q: Value,
  past: KeysAndValues,
  fresh: KeysAndValues,
  mask: Value,
  scale: number,
) => { output: Value; present: KeysAndValues }

function forward(name: string, { config, lora, npt, stored }: GenerationTask, attend: AttendCached) {
  const graph = new Graph(name)
  const inputIds = graph.input('input_ids', 'int64', ['batch', 'sequence'])
  const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'past_sequence+sequence'])
  const positionIds = graph.input('position_ids', 'int64', ['batch', 'sequence'])
  const cacheShape = ['batch', config.n_head, 'past_sequence', config.n_embd / config.n_head]
  const pasts = Array.from({ length: config.n_layer }, (_, layer) => ({
    key: graph.input(`past_key_values.${layer}.key`, 'float32', cacheShape),
    value: graph.input(`past_key_values.${layer}.value`, 'float32', cacheShape),
  }))
  const shapes = gpt2ParameterShapes(config)
  const model = { config, shapes, lora: lora ?? 'none', ...(npt ? { npt } : {}) } as const
  const { parameters, adapters, plastic } = declareModel(graph, model, stored)

  const mask = cachedCausalMask(attentionMask, 'past_sequence', 'sequence', 'float32')
  const scale = attentionScale(config)
  const presents: KeysAndValues[] = []
  const hidden = gpt2(
    config,
    parameters,
    adapters,
    (layer, q, key, value) => {
      const { output, present } = attend(q, pasts[layer]!, { key, value }, mask, scale)
      presents.push(present)
      return output
    },
    { input_ids: inputIds, position_ids: positionIds },
    plastic,
  )
  return { graph, hidden, head: lmHead(config, parameters), presents }
}

function giveOut(graph: Graph, presents: readonly KeysAndValues[]): void {
  presents.forEach(({ key, value }, layer) => {
    graph.output(`present.${layer}.key`, key)
    graph.output(`present.${layer}.value`, value)
  })
}

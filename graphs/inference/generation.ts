/**
 * The graphs of text generation with a key/value cache.
 * @module
 */
import type { ExternalData, Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import { attention, cachedCausalMask, cachedPositions } from '../layers/attention.ts'
import type { KeysAndValues } from '../layers/cached_attention.ts'
import { cachedAttention } from '../layers/cached_attention.ts'
import { layerMasks, tokenPositions } from '../models/attend.ts'
import type { ModelConfig } from '../models/family.ts'
import { factsOf, familyOf } from '../models/family.ts'
import { declareLanguageModel, languageTokens } from '../models/language_model.ts'
import type { LoraConfig } from '../models/lora_config.ts'
import { concat, gather, gemm, lookedUp, reshape } from '../ops/index.ts'
import type { NptConfig } from '../models/npt_config.ts'

export interface GenerationTask {
  readonly config: ModelConfig
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
 * [batch, kv_heads, past_sequence, head_size] in; `logits` [batch, sequence, vocab_size] and `present.N.key|value`, the
 * past with the new positions appended, out.
 */
export function inferenceGraph(task: GenerationTask): Graph {
  const { graph, hidden, head, presents } = forward('inference', task, (q, past, fresh, mask, scale) => {
    const all = { key: concat([past.key, fresh.key], 2), value: concat([past.value, fresh.value], 2) }
    return { output: attention(q, all.key, all.value, mask, scale), present: all }
  })
  graph.widensOnce = true
  const logits = gemm(hidden, head, { transB: true })
  graph.output('logits', reshape(logits, ['batch', 'sequence', factsOf(task.config).vocabulary]), LOGITS)
  giveOut(graph, presents, 'keys or values of all tokens, for `past_key_values`')
  return graph
}

/**
 * One step of ortune's own decoder. The inputs are those of {@link inferenceGraph} and `logits_positions` int64
 * [rows], flat indices b·sequence + t; out come `logits` [rows, vocab_size] of those positions only, and as
 * `present.N.key|value` just the new positions [batch, kv_heads, sequence, head_size]. The caller keeps the cache in
 * fixed buffers and writes them into it, which on a CPU is twice as fast as returning the grown cache.
 */
export function decodingGraph(task: GenerationTask): Graph {
  const { graph, hidden, head, presents } = forward('decoding', task, (q, past, fresh, mask, scale) => ({
    output: cachedAttention(q, past, fresh, mask, scale),
    present: fresh,
  }))
  graph.widensOnce = true
  const positions = graph.input(
    'logits_positions',
    'int64',
    ['rows'],
    'of which positions logits are wanted: flat indices b·sequence + t',
  )
  graph.output('logits', gemm(gather(hidden, positions), head, { transB: true }), LOGITS)
  giveOut(graph, presents, 'keys or values of the new tokens')
  return graph
}

const DOCS = {
  inference: 'the next token, with a cache of keys and values',
  decoding: 'one step of decoding, of which the caller keeps the cache',
} as const
const LOGITS = 'one number per token of the vocabulary, of which softmax makes probabilities'
const PAST = 'keys or values of the tokens before, as `present` had them; of length 0 at first'
const MASK = '1 at tokens, 0 at padding, for the past and then the new tokens'

/** Attends to past and fresh positions, and says which keys and values the graph gives out. */
type AttendCached = (
  q: Value,
  past: KeysAndValues,
  fresh: KeysAndValues,
  mask: Value,
  scale: number,
) => { output: Value; present: KeysAndValues }

function forward(
  name: keyof typeof DOCS,
  { config, lora, npt, stored }: GenerationTask,
  attend: AttendCached,
) {
  const graph = new Graph(name, DOCS[name])
  const tokens = languageTokens(graph, { config }, 'batch', 'past_sequence+sequence', MASK)
  const { layers, kvHeads, headSize } = factsOf(config)
  const cacheShape = ['batch', kvHeads, 'past_sequence', headSize]
  const pasts = Array.from({ length: layers }, (_, layer) => ({
    key: graph.input(`past_key_values.${layer}.key`, 'float32', cacheShape, PAST),
    value: graph.input(`past_key_values.${layer}.value`, 'float32', cacheShape, PAST),
  }))
  const model = declareLanguageModel(tokens, { config, lora: lora ?? 'none', npt: npt ?? null, stored })

  const fresh = lookedUp(tokens.input_ids, factsOf(config).vocabulary - 1)
  const masks = layerMasks(
    config,
    cachedCausalMask(fresh, tokens.attention_mask, 'float32'),
    () => tokenPositions(config, tokens),
    () => cachedPositions(tokens.attention_mask),
  )
  const scale = familyOf(config).attentionScale(config)
  const presents: KeysAndValues[] = []
  const hidden = model.hidden((layer, q, key, value) => {
    const { output, present } = attend(q, pasts[layer]!, { key, value }, masks(layer), scale)
    presents.push(present)
    return output
  })
  return { graph, hidden, head: model.head(), presents }
}

function giveOut(graph: Graph, presents: readonly KeysAndValues[], doc: string): void {
  presents.forEach(({ key, value }, layer) => {
    graph.output(`present.${layer}.key`, key, doc)
    graph.output(`present.${layer}.value`, value, doc)
  })
}

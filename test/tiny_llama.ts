/**
 * A model of Llama's family small enough for tests, with nearly all that its types have: random weights, and GPT-2's tokenizer cut short.
 * @module
 */
import type { LlamaConfig } from '../graphs/models/llama_config.ts'
import { gpt2TokenizerFiles } from '../src/formats/gpt2_tokenizer.ts'
import { writeModelFolder } from '../src/formats/model_folder.ts'
import { parseModelConfig } from '../src/formats/parse_model_config.ts'
import type { FloatDtype } from '../src/formats/safetensors.ts'
import { seededWeights } from '../src/runs/initialise.ts'

const END_OF_TEXT = 511

/** Groups of heads, windows, head norms, four norms a block, frequencies of two kinds. */
export const tinyLlama = parseModelConfig(
  {
    ...{ model_type: 'gemma3_text', vocab_size: 512, hidden_size: 16, intermediate_size: 24 },
    ...{ num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 6 },
    ...{ max_position_embeddings: 64, sliding_window: 5, sliding_window_pattern: 2 },
    ...{ query_pre_attn_scalar: 6, initializer_range: 0.2 },
    ...{ bos_token_id: END_OF_TEXT, eos_token_id: END_OF_TEXT },
  },
  'the tiny configuration',
) as LlamaConfig

/** A plain Llama of the same sizes, which old tools know as well. */
export const plainLlama = parseModelConfig(
  {
    ...{ model_type: 'llama', vocab_size: 512, hidden_size: 16, intermediate_size: 24 },
    ...{ num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2 },
    ...{ max_position_embeddings: 64, initializer_range: 0.2, rope_theta: 50 },
    ...{ bos_token_id: END_OF_TEXT, eos_token_id: END_OF_TEXT },
  },
  'the plain configuration',
) as LlamaConfig

interface Choice {
  readonly config?: LlamaConfig
  readonly dtype?: FloatDtype
}

/** Writes the model's folder. */
export async function writeTinyLlama(
  folder: string,
  { config = tinyLlama, dtype = 'F32' }: Choice = {},
): Promise<void> {
  const tokenizerFiles = await gpt2TokenizerFiles(config.vocab_size - 257)
  await writeModelFolder(folder, { config, tensors: seededWeights(config, 1), tokenizerFiles, dtype })
}

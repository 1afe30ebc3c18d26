/**
 * Prepares the pre-training of the pocket model: `node --import tsx tools/pocket/start.ts runs/pocket`
 * writes its configuration and its tokenizer, GPT-2's BPE cut to the first merges, into the folder `start` there.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'

const VOCABULARY = 4096
const END_OF_TEXT = VOCABULARY - 1

const config = {
  architectures: ['GPT2LMHeadModel'],
  model_type: 'gpt2',
  n_layer: 6,
  n_head: 6,
  n_embd: 192,
  n_positions: 256,
  n_inner: null,
  vocab_size: VOCABULARY,
  activation_function: 'gelu_new',
  layer_norm_epsilon: 1e-5,
  initializer_range: 0.02,
  tie_word_embeddings: true,
  bos_token_id: END_OF_TEXT,
  eos_token_id: END_OF_TEXT,
}

const folder = join(process.argv[2] ?? 'runs/pocket', 'start')
await mkdir(folder, { recursive: true })
await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
// 256 bytes, the merges, <|endoftext|>
for (const [name, text] of Object.entries(await gpt2TokenizerFiles(VOCABULARY - 257))) {
  await writeFile(join(folder, name), text)
}

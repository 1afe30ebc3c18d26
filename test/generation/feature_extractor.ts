/**
 * A feature extractor as transformers.js loads them, for tests.
 * @module
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { backboneShapes } from '../../graphs/models/encoder.ts'
import { causalAttention, gpt2 } from '../../graphs/models/gpt2.ts'
import { noAdapters } from '../../graphs/models/lora_config.ts'
import { frozenParameters } from '../../graphs/models/parameters.ts'
import { cast, positions, reshape, unsqueeze } from '../../graphs/ops/index.ts'
import { externalData } from '../../src/formats/external_data.ts'
import { linkOrCopy } from '../../src/formats/copies.ts'
import { openGpt2Folder } from '../gpt2_folder.ts'

const WEIGHTS = 'model.onnx_data'

/**
 * Writes what looks like a BERT from outside and computes the hidden states of the GPT-2 in `model`.
 *
 * @param output what the graph calls the hidden states
 */
export async function writeFeatureExtractor(
  model: string,
  out: string,
  output = 'last_hidden_state',
): Promise<void> {
  const { config, tensors } = await openGpt2Folder(model)
  const graph = new Graph('feature extractor')
  const inputIds = graph.input('input_ids', 'int64', ['batch', 'sequence'])
  const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'sequence'])
  const parameters = frozenParameters(graph, backboneShapes(config), externalData(tensors, WEIGHTS))
  const hidden = gpt2(config, parameters, noAdapters, causalAttention(config, attentionMask, 'float32'), {
    input_ids: inputIds,
    position_ids: cast(unsqueeze(positions(inputIds, 1), 0), 'int32'),
  })
  graph.output(output, reshape(hidden, ['batch', 'sequence', config.n_embd]))

  await mkdir(join(out, 'onnx'), { recursive: true })
  await writeFile(join(out, 'onnx', 'model.onnx'), serialize(graph))
  await linkOrCopy(join(model, 'model.safetensors'), join(out, 'onnx', WEIGHTS))
  const files = { dtype: 'fp32', use_external_data_format: { 'model.onnx': 1 } }
  await writeFile(
    join(out, 'config.json'),
    JSON.stringify({ model_type: 'bert', 'transformers.js_config': files }),
  )
  await writeFile(join(out, 'tokenizer.json'), await readFile(join(model, 'tokenizer.json')))
  await writeFile(
    join(out, 'tokenizer_config.json'),
    JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', pad_token: '<|endoftext|>' }),
  )
}

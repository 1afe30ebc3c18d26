/**
 * The stored results of transformers and PEFT for tiny models of Llama's family; see tools/fixtures/llama_types.py.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { externalData } from '../../src/formats/external_data.ts'
import type { ModelFolder } from '../../src/formats/model_folder.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Session } from '../../src/runtime/session.ts'
import type { FixtureBatch } from './gpt2_fixtures.ts'

const root = resolve(import.meta.dirname, '../fixtures/llama')

export const llamaFixture = (...path: string[]): string => join(root, ...path)

export interface LlamaReference {
  readonly batches: readonly FixtureBatch[]
  readonly prompts: readonly (readonly number[])[]
  readonly greedy: readonly (readonly number[])[]
  /** Losses before each AdamW step. */
  readonly curve: readonly number[]
}

export interface LlamaFixture extends ModelFolder {
  readonly config: ModelConfig
  readonly stored: ReadonlyMap<string, ExternalData>
  readonly open: (graph: Graph) => Promise<Session>
  readonly reference: LlamaReference
  /** `logits`, `adapted_logits`, and of the first batch the gradients of the adapter's tensors. */
  readonly expected: ReadonlyMap<string, FloatTensor>
}

export async function llamaModel(type: string): Promise<LlamaFixture> {
  const folder = await openModelFolder(llamaFixture(type))
  const data = await readFile(llamaFixture(type, 'model.safetensors'))
  return {
    ...folder,
    stored: externalData(folder.tensors, 'model.safetensors'),
    open: (graph) =>
      openNodeSession(serialize(graph), { externalData: [{ path: 'model.safetensors', data }] }),
    reference: JSON.parse(await readFile(llamaFixture(type, 'reference.json'), 'utf8')) as LlamaReference,
    expected: await readTensors(llamaFixture(type, 'reference.safetensors')),
  }
}

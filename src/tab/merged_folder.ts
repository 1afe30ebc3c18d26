/** @module */
import { inferenceGraph } from '../../graphs/inference/generation.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { UserError } from '../errors.ts'
import { graphNames } from '../exports/export_type.ts'
import { mergeAdapter } from '../exports/merge.ts'
import { externalData } from '../formats/external_data.ts'
import type { FloatTensor } from '../formats/float_tensor.ts'
import type { PeftAdapter } from '../formats/peft_files.ts'
import { encodeSafetensors } from '../formats/safetensors_bytes.ts'
import { parseSafetensorsHeader } from '../formats/safetensors_header.ts'
import { WEIGHTS_FILE } from '../formats/weight_files.ts'
import type { TabModel } from './model.ts'

/** What `mergedBlobs` gives. */
export async function mergedFolder(model: TabModel, adapter: PeftAdapter): Promise<Map<string, Blob>> {
  if (adapter.head)
    throw new UserError(
      'a classifier is merged by "ortune merge" in Node; download the adapter, and merge it there',
    )
  const { files, config } = model
  const tensors: Map<string, FloatTensor> = mergeAdapter(await model.stored(), adapter)
  const [header, ...pieces] = encodeSafetensors(tensors) as [Uint8Array, ...Uint8Array[]]
  const weights = new Blob([header, ...pieces] as BlobPart[])
  const names = graphNames(undefined)
  const [{ graph, weights: data }] = names.all as [(typeof names.all)[number]]
  const entries = parseSafetensorsHeader(header, weights.size, WEIGHTS_FILE).tensors
  const stored = externalData(
    new Map([...entries].map(([name, entry]) => [name, { ...entry, file: data }])),
    data,
  )
  const described = {
    ...((await files.json('config.json')) as object),
    dtype: 'float32',
    torch_dtype: 'float32',
    'transformers.js_config': names.config,
  }
  const blobs = new Map<string, Blob>()
  for (const name of await files.names())
    if (!name.endsWith('.safetensors') && !name.endsWith('.index.json')) blobs.set(name, files.blob(name))
  blobs.set('config.json', new Blob([`${JSON.stringify(described, null, 2)}\n`]))
  blobs.set(WEIGHTS_FILE, weights)
  blobs.set(`onnx/${graph}`, new Blob([serialize(inferenceGraph({ config, stored })) as BlobPart]))
  blobs.set(`onnx/${data}`, weights)
  return blobs
}

/**
 * Writes a trained model for use elsewhere: a Hugging Face folder with the adapter folded into the weights, and in `onnx/`
 * the inference graph in the layout of transformers.js.
 *
 *     config.json  model.safetensors  generation_config.json  tokenizer.json …     transformers, PEFT, ortune
 *     onnx/model.onnx  onnx/model.onnx_data                                        transformers.js, any ONNX Runtime
 *
 * With `adapterInputs` the weights stay those of the base model, and the adapter goes beside them:
 *
 *     onnx/model_lora.onnx   the same graph with the adapter's tensors and `lora_scale` as inputs
 *     adapter/               the adapter in PEFT's format; its tensors, less `base_model.model.`, are those inputs
 *
 * Plastic blocks stay what they are: their tensors go into the same file, and config.json describes them under `npt`. Of
 * other tools only those that run the ONNX graph know them.
 *
 * The `.onnx` files hold no weights: they point into `model.onnx_data`, which is model.safetensors under the name that
 * transformers.js asks for, a hard link where the file system has them.
 * @module
 */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { inferenceGraph } from '../../graphs/inference/generation.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { languageModelShapes } from '../../graphs/models/language_model.ts'
import { UserError } from '../errors.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import { copyFiles } from '../formats/companions.ts'
import { placeTokenizerFiles } from '../formats/tokenizer_files.ts'
import { externalData, linkOrCopy } from '../formats/external_data.ts'
import type { FoundModel } from '../models/find_model.ts'
import { writeExportedCard } from './exported_card.ts'
import { mergeAdapter } from './merge.ts'
import { fillModelFolder, openLanguageModelFolder } from '../formats/model_folder.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import { readTensors } from '../formats/safetensors.ts'
import { readStored } from '../formats/weight_files.ts'
import { adapterInputs } from '../models/adapter_inputs.ts'
import { besideShapes } from '../models/trained_feeds.ts'

export interface ExportModelRequest {
  readonly model: FoundModel
  /** Folder to write; it must not hold anything yet. */
  readonly out: string
  /** Keeps the adapter apart, as inputs that can be exchanged between runs. */
  readonly adapterInputs?: boolean
}

const WEIGHTS = 'model.onnx_data'

/** What transformers.js reads beside the model's own configuration: the unquantised file, its weights in one other file. */
const transformersJsConfig = { dtype: 'fp32', use_external_data_format: { 'model.onnx': 1 } }

/**
 * Writes the folder, whole or not at all.
 *
 * @example
 * await exportModel({ model: await findModel('runs/words'), out: 'words-model' })
 *
 * @throws UserError where the model or the adapter cannot be used, or where `out` holds files
 */
export async function exportModel({
  model,
  out,
  adapterInputs: apart = false,
}: ExportModelRequest): Promise<void> {
  if (apart && model.adapter === undefined)
    throw new UserError(`${model.base} has no adapter to keep apart; leave --adapter-inputs out`)
  if ((await readdir(out).catch((): string[] => [])).length > 0)
    throw new UserError(`${out} holds files already; name an empty or new folder`)

  const { npt, trained } = model
  const shapesOf = (config: ModelConfig) =>
    new Map([...languageModelShapes(config), ...(trained === undefined ? besideShapes({ npt }, config) : [])])
  const base = await openLanguageModelFolder(model.base, shapesOf)
  const adapter = model.adapter === undefined ? undefined : await readPeftAdapter(model.adapter)
  const weights = new Map([
    ...(await readStored(base.tensors)),
    ...(trained === undefined ? [] : await readTensors(join(trained, TRAINED_FILE))),
  ])
  const tensors = adapter && !apart ? mergeAdapter(weights, adapter) : weights
  const config = {
    ...base.config,
    ...(npt ? { npt } : {}),
    'transformers.js_config': transformersJsConfig,
  }

  await writeFolderAtomic(out, async (folder) => {
    await fillModelFolder(folder, { config, tensors })
    await placeTokenizerFiles(model.base, folder)
    await copyFiles(model.base, folder, ['generation_config.json'])
    await writeExportedCard(model, npt ? 'ortune' : 'transformers', folder)
    await mkdir(join(folder, 'onnx'))
    await linkOrCopy(join(folder, 'model.safetensors'), join(folder, 'onnx', WEIGHTS))
    const written = await openLanguageModelFolder(
      folder,
      (config) => new Map([...languageModelShapes(config), ...besideShapes({ npt }, config)]),
    )
    const stored = externalData(written.tensors, WEIGHTS)
    await writeFile(join(folder, 'onnx', 'model.onnx'), serialize(inferenceGraph({ config, npt, stored })))
    if (!adapter || !apart) return

    const { lora } = adapterInputs(config, adapter, model.adapter!)
    await writeFile(
      join(folder, 'onnx', 'model_lora.onnx'),
      serialize(inferenceGraph({ config, stored, lora })),
    )
    await mkdir(join(folder, 'adapter'))
    for (const name of ['adapter_config.json', 'adapter_model.safetensors'])
      await copyFile(join(model.adapter!, name), join(folder, 'adapter', name))
  })
}

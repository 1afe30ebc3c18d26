/**
 * Writes a trained model for use elsewhere: a Hugging Face folder with the adapter folded into the weights, and in `onnx/`
 * the inference graph in the layout of transformers.js.
 *
 *     config.json  model.safetensors  generation_config.json  tokenizer.json …     transformers, PEFT, ortune
 *     onnx/model.onnx  onnx/model.onnx_data                                        transformers.js, any ONNX Runtime;
 *                                                                                  with int4 `model_q4` in place of `model`
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
 * transformers.js asks for, a hard link where the file system has them, or the same in few bits.
 * @module
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { inferenceGraph } from '../../graphs/inference/generation.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { languageModelShapes } from '../../graphs/models/language_model.ts'
import { UserError } from '../errors.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import { CHAT_TEMPLATE_FILE } from '../formats/chat_template.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { copyFiles } from '../formats/companions.ts'
import { placeTokenizerFiles } from '../formats/place_tokenizer_files.ts'
import type { FoundModel } from '../models/find_model.ts'
import { writeExportedCard } from './exported_card.ts'
import { mergeAdapter, untied } from './merge.ts'
import { BASE_DTYPE_KEY, fillModelFolder, openLanguageModelFolder } from '../formats/model_folder.ts'
import { checkEmpty, writeNewFolder } from '../formats/new_folder.ts'
import { readGenerationConfig } from '../formats/generation_config.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { exists, readJson } from '../formats/read_file.ts'
import { isConversing } from '../data/templates/template_source.ts'
import { TEMPLATES_KEY, learnedTemplates } from '../runs/templates.ts'
import type { ExportType } from './export_type.ts'
import { floatsOf, graphNames } from './export_type.ts'
import { baseDtype, placeGraphs, roundTo } from './weights.ts'
import { asLearned, jinjaOf, replaceChatTemplate, whyNoJinja } from './chat_template.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import { readTensors } from '../formats/safetensors.ts'
import { readStored } from '../formats/read_stored.ts'
import { adapterInputs } from '../models/adapter_inputs.ts'
import { besideShapes } from '../models/trained_feeds.ts'

export interface ExportModelRequest {
  readonly model: FoundModel
  /** Folder to write; it must not hold anything yet. */
  readonly out: string
  /** Keeps the adapter apart, as inputs that can be exchanged between runs. */
  readonly adapterInputs?: boolean
  /**
   * What the weights are rounded to; by default the type of the model that training began with, which model.safetensors has with INT4,
   * too.
   */
  readonly dtype?: ExportType | undefined
}

/** What there is to say of an exported model. */
export interface ExportedModel {
  /** Whether it has learned from conversations. */
  readonly converses: boolean
  /** What other tools will miss. */
  readonly notes: readonly string[]
}

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
  dtype: wanted,
}: ExportModelRequest): Promise<ExportedModel> {
  if (apart && model.adapter === undefined)
    throw new UserError(`${model.base} has no adapter to keep apart; leave --adapter-inputs out`)
  await checkEmpty(out)

  const { npt, trained } = model
  const shapesOf = (config: ModelConfig) =>
    new Map([...languageModelShapes(config), ...(trained === undefined ? besideShapes({ npt }, config) : [])])
  const base = await openLanguageModelFolder(model.base, shapesOf)
  const adapter = model.adapter === undefined ? undefined : await readPeftAdapter(model.adapter)
  const weights = new Map([
    ...(await readStored(base.tensors)),
    ...(trained === undefined ? [] : await readTensors(join(trained, TRAINED_FILE))),
  ])
  const dtype = floatsOf(wanted, baseDtype(base))
  const names = graphNames(wanted, dtype)
  const merged =
    adapter && !apart
      ? untied(base.config, weights, mergeAdapter(weights, adapter))
      : { config: base.config, tensors: weights }
  const tensors = roundTo(merged.tensors, dtype)
  // The model before training has learned from none of them.
  const learned = model.checkpoint === 'base' ? [] : await learnedTemplates(model.base)
  const chat = learned.find(isConversing)
  const jinja = chat && ('chat_template' in chat ? asLearned(chat) : jinjaOf(chat))
  const notes =
    chat && 'user' in chat && jinja === undefined
      ? [`no chat_template was written: ${whyNoJinja(chat)}; "ortune chat" asks as the run did`]
      : []
  const config = {
    ...merged.config,
    [BASE_DTYPE_KEY]: undefined,
    ...(npt ? { npt } : {}),
    'transformers.js_config': names.config,
    ...(learned.length > 0 ? { [TEMPLATES_KEY]: learned } : {}),
  }

  await writeNewFolder(out, async (folder) => {
    await fillModelFolder(folder, { config, tensors, dtype })
    await placeTokenizerFiles(model.base, folder)
    await copyFiles(model.base, folder, ['generation_config.json', CHAT_TEMPLATE_FILE])
    if (chat) await replaceChatTemplate(folder, jinja)
    await endAsTrained(folder)
    await writeExportedCard(model, npt ? 'ortune' : 'transformers', folder, {
      ...{ folder: '', dtype: names.dtype },
    })
    await mkdir(join(folder, 'onnx'))
    const onnx = join(folder, 'onnx')
    const stored = await placeGraphs({ folder, config, tensors }, wanted, names, onnx, (stored) =>
      inferenceGraph({ config, npt, stored }),
    )
    if (!adapter || !apart) return

    const { lora } = adapterInputs(config, adapter, model.adapter!)
    await writeFile(join(onnx, names.file('model_lora')), serialize(inferenceGraph({ config, stored, lora })))
    await mkdir(join(folder, 'adapter'))
    for (const name of ['adapter_config.json', 'adapter_model.safetensors'])
      await copyFile(join(model.adapter!, name), join(folder, 'adapter', name))
  })
  return { converses: chat !== undefined, notes }
}

/** Names the end of text that training learns among those of generation_config.json, so that other tools stop there, too. */
async function endAsTrained(folder: string): Promise<void> {
  const path = join(folder, 'generation_config.json')
  const { eosId } = await loadTokenizer(folder)
  const { endsOfText } = await readGenerationConfig(diskFiles(folder))
  if (endsOfText.includes(eosId)) return
  const known = (await exists(path)) ? ((await readJson(path)) as object) : {}
  const ends = [eosId, ...endsOfText]
  const eos_token_id = ends.length === 1 ? eosId : ends
  await writeFile(path, `${JSON.stringify({ ...known, eos_token_id }, null, 2)}\n`)
}

/**
 * Writes a trained classifier for use elsewhere, with the adapter folded into the weights:
 *
 *     config.json  model.safetensors  tokenizer.json …     transformers' …ForSequenceClassification, ortune
 *     transformers.js/                                     pipeline('text-classification'), and any ONNX Runtime:
 *       config.json  tokenizer.json …  onnx/model.onnx     `input_ids`, `attention_mask` in, `logits` out
 *
 * A BERT's graph takes `token_type_ids` as well. transformers.js has a folder of its own because it knows no classifier of
 * type gpt2: it picks a class by `model_type`, and all classes do the same for this task, so its config.json names one that
 * it knows.
 *
 * Plastic blocks stay what they are: config.json describes them under `npt`, which transformers itself does not know.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { formatOf } from '../formats/families/family.ts'
import { classifierGraph } from '../../graphs/tasks/classification.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { backboneShapes } from '../../graphs/models/encoder.ts'
import { factsOf, familyOf } from '../../graphs/models/family.ts'
import { headOutputs, isPooled } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import { placeTokenizerFiles } from '../formats/place_tokenizer_files.ts'
import type { FoundModel } from '../models/find_model.ts'
import { headOf } from '../models/find_model.ts'
import { writeExportedCard } from './exported_card.ts'
import type { ExportType } from './export_type.ts'
import { floatsOf, graphNames } from './export_type.ts'
import { baseDtype, placeGraphs, roundTo } from './weights.ts'
import { mergeAdapter } from './merge.ts'
import { readModelConfig } from '../formats/model_config.ts'
import { BASE_DTYPE_KEY, fillModelFolder, openModelFolder } from '../formats/model_folder.ts'
import { checkEmpty, writeNewFolder } from '../formats/new_folder.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import { exists, readJson } from '../formats/read_file.ts'
import type { FloatDtype, FloatTensor } from '../formats/safetensors.ts'
import { readTensors } from '../formats/safetensors.ts'
import { readStored } from '../formats/read_stored.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { besideShapes } from '../models/trained_feeds.ts'

/** A type that transformers.js has classifiers of, BERT's own; it decides nothing but the class's name. */
const KNOWN_TYPE = 'bert'

/**
 * Writes the folder, whole or not at all.
 *
 * @param wanted what the weights are rounded to; by default the type of the model that training began with, which model.safetensors has
 * with INT4, too
 * @throws UserError where the model is no classifier, or where `out` holds files
 */
export async function exportClassifier(model: FoundModel, out: string, wanted?: ExportType): Promise<void> {
  const { base, npt } = model
  const head = headOf(model)
  if (!isPooled(head)) throw new UserError(`${base} is no classifier; name a run of task classification`)
  await checkEmpty(out)
  const merged = await mergedTensors(model)
  const dtype = floatsOf(wanted, merged.dtype)
  const names = graphNames(wanted, dtype)
  const tensors = roundTo(merged.tensors, dtype)
  const tokenizer = await loadTokenizer(base)
  const own = familyOf(merged.config).pooler ? undefined : tokenizer.eosId
  const padding = formatOf(merged.config).paddingToken(merged.config, head) ?? own
  const config = {
    ...merged.config,
    [BASE_DTYPE_KEY]: undefined,
    ...(npt ? { npt } : {}),
    ...(padding === undefined ? {} : { pad_token_id: padding }),
  }
  await writeNewFolder(out, async (folder) => {
    await fillModelFolder(folder, { config, tensors, head, dtype })
    const library = npt || head.pooling !== 'last' ? 'ortune' : 'transformers'
    await writeExportedCard(model, library, folder, {
      ...{ folder: 'transformers.js', dtype: names.dtype },
    })
    await placeTokenizer(base, folder, config, tokenizer, padding)

    const browser = join(folder, 'transformers.js')
    await mkdir(join(browser, 'onnx'), { recursive: true })
    await placeTokenizer(base, browser, config, tokenizer, padding)
    const known = (await readJson(join(folder, 'config.json'))) as object
    await writeJson(join(browser, 'config.json'), {
      ...known,
      model_type: KNOWN_TYPE,
      'transformers.js_config': names.config,
    })
    const weights = { folder, config: merged.config, tensors }
    const { pooling } = head
    const task = { config: await readModelConfig(folder), npt, classes: headOutputs(head), pooling }
    await placeGraphs(weights, wanted, names, join(browser, 'onnx'), (stored) => {
      const graph = classifierGraph({ ...task, stored })
      graph.widensOnce = true
      return graph
    })
  })
}

const wholeShapes = (model: FoundModel, config: ModelConfig) =>
  new Map([...backboneShapes(config), ...besideShapes(model, config)])

/** The whole classifier's weights: what was trained, folded into its base or put beside it. */
async function mergedTensors(
  model: FoundModel,
): Promise<{ config: ModelConfig; tensors: ReadonlyMap<string, FloatTensor>; dtype: FloatDtype }> {
  const { base, adapter, trained } = model
  const isWhole = adapter === undefined && trained === undefined
  const { config, tensors } = await openModelFolder(base, (config) =>
    isWhole ? wholeShapes(model, config) : backboneShapes(config),
  )
  const stored = await readStored(tensors)
  const dtype = baseDtype({ config, tensors })
  if (isWhole) return { config, dtype, tensors: stored }
  if (trained !== undefined)
    return {
      config,
      dtype,
      tensors: new Map([...stored, ...(await readTensors(join(trained, TRAINED_FILE)))]),
    }
  const read = await readPeftAdapter(adapter!)
  if (!read.head) throw new UserError(`${adapter} has no head; was it trained for another task?`)
  return { config, dtype, tensors: new Map([...mergeAdapter(stored, read), ...read.head]) }
}

/** Copies the tokenizer, and lets it pad, which GPT-2's does not by itself, and truncate. */
async function placeTokenizer(
  from: string,
  to: string,
  config: ModelConfig,
  tokenizer: Tokenizer,
  padding: number | undefined,
): Promise<void> {
  await placeTokenizerFiles(from, to)
  const path = join(from, 'tokenizer_config.json')
  const known = (await exists(path)) ? ((await readJson(path)) as object) : {}
  await writeJson(join(to, 'tokenizer_config.json'), {
    ...known,
    ...(padding === undefined ? {} : { pad_token: tokenizer.decode([padding]) }),
    padding_side: 'right',
    model_max_length: factsOf(config).context,
  })
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`)

/**
 * Writes an artifact folder: the graphs of a task beside the weights they point into, tokenizer and manifest.
 * @module
 */
import { copyFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { formatOf } from '../formats/families/family.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import { opsetOf, serialize } from '../../graphs/ir/serialize.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { Head } from '../../graphs/models/head.ts'
import { isNamed, languageHead } from '../../graphs/models/head.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import type { AdamWConfig } from '../../graphs/optimizers/adamw.ts'
import { adamwGraph } from '../../graphs/optimizers/adamw.ts'
import type { PlasticConfig } from '../../graphs/optimizers/plastic.ts'
import { plasticUpdateGraph, plasticTensors } from '../../graphs/optimizers/plastic.ts'
import { UserError } from '../errors.ts'
import { adaptationSchema } from '../formats/adaptation_schema.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { CHAT_TEMPLATE_FILE } from '../formats/chat_template.ts'
import { copyFiles } from '../formats/companions.ts'
import { externalData, readableInPlace } from '../formats/external_data.ts'
import { cloneFile } from '../formats/copies.ts'
import type { Base } from '../formats/base.ts'
import { openFrozenFolder, writeFrozen } from '../formats/frozen_weights.ts'
import type { Manifest } from '../formats/manifest.ts'
import { FORMAT_VERSION, INITIAL_FILE, signature } from '../formats/manifest.ts'
import { readModelConfig } from '../formats/model_config.ts'
import { notFinite } from '../formats/finite.ts'
import { licenceOf, readCard } from '../formats/model_card.ts'
import type { ModelFolder } from '../formats/model_folder.ts'
import {
  BASE_DTYPE_KEY,
  DTYPE_NAMES,
  dtypeOf,
  fillModelFolder,
  floatDtype,
  openTrainableFolder,
} from '../formats/model_folder.ts'
import { readNptConfig } from '../formats/npt_config.ts'
import { exists } from '../formats/read_file.ts'
import { sealFiles } from '../formats/sealed.ts'
import { gpt2TokenizerFiles } from '../formats/gpt2_tokenizer.ts'
import { placeTokenizerFiles } from '../formats/place_tokenizer_files.ts'
import { filesOf, WEIGHTS_FILE } from '../formats/weight_files.ts'
import { readStored } from '../formats/read_stored.ts'
import { runIdentity } from './run_identity.ts'
import { writeInitial } from './initial_state.ts'
import { checkBase } from './check_config.ts'
import { checkOut } from './check_out.ts'
import { seededTensor, seededWeights } from './initialise.ts'
import type { Trained } from './run_graphs.ts'
import { constantsOf, runGraphs } from './run_graphs.ts'

export interface ExportRequest extends Trained {
  /** A Hugging Face model folder, or a bare `config.json`: then the weights are random, from the seed. */
  readonly model: string
  /** What its frozen weights are kept in; null or absent: what the model has them in. */
  readonly base?: Base | null
  readonly optimizer: AdamWConfig
  /** What follows on it at each step. */
  readonly plastic?: PlasticConfig | null | undefined
  readonly seed: number
}

/**
 * Writes the artifact folder, whole or not at all.
 *
 * @throws UserError for a model that cannot be read, a LoRA target that matches nothing, a `base` where nothing is frozen, or an
 * `out` that holds something else
 */
export async function exportArtifacts(request: ExportRequest & { readonly out: string }): Promise<Manifest> {
  checkBase(request)
  const mayReplace = () => checkOut(request.out)
  await mayReplace()
  let manifest: Manifest | undefined
  await writeFolderAtomic(
    request.out,
    async (folder) => {
      await placeModel(request, folder)
      if (request.base) await writeFrozen(folder, request.base)
      manifest = await writeGraphs(folder, request)
    },
    mayReplace,
  )
  return manifest!
}

/**
 * Writes a task's graphs and the manifest into a folder that holds the model; see {@link placeModel}.
 *
 * @param start the checkpoint of another run whose trained tensors training starts from
 * @param run what is known of a run; `placeless` are its settings without a place, of which its identity is made
 */
export async function writeGraphs(
  folder: string,
  request: ExportRequest,
  run: Pick<Manifest, 'data' | 'settings' | 'began_with'> & { readonly placeless?: object } = { data: null },
  start?: string,
): Promise<Manifest> {
  const { model, task, options, lora, head, npt, optimizer, plastic, precision = 'fp32', seed } = request
  const { gradient_checkpointing = false } = request
  const { placeless, ...known } = run
  const { config, tensors } = await openFrozenFolder(folder)
  const graphs = await runGraphs(request, config, externalData(tensors, basename))
  const models: Record<string, Graph> = {
    'training_model.onnx': graphs.training(),
    'eval_model.onnx': graphs.evaluation(),
    'optimizer_model.onnx': adamwGraph(graphs.trainable, optimizer),
  }
  if (plastic) {
    const matrices = plasticTensors(config, graphs.trainable)
    models['plastic_model.onnx'] = plasticUpdateGraph(matrices, plastic, optimizer.max_grad_norm)
  }
  for (const [name, graph] of Object.entries(models)) await writeFile(join(folder, name), serialize(graph))

  const about: Omit<Manifest, 'files'> = {
    format_version: FORMAT_VERSION,
    task,
    options: { ...options },
    head: isNamed(head) ? { ...head, classes: [...head.classes] } : head,
    lora: adaptationSchema.parse(lora),
    npt: npt && { ...npt, layers: typeof npt.layers === 'string' ? npt.layers : [...npt.layers] },
    ...(gradient_checkpointing === false ? {} : { gradient_checkpointing }),
    ...(precision === 'fp32' ? {} : { precision }),
    seed,
    opset: Math.max(...Object.values(models).map(opsetOf)),
    parameters: { trainable: countParameters(graphs.trainable), frozen: countParameters(graphs.frozen) },
    models: Object.fromEntries(Object.entries(models).map(([name, graph]) => [name, signature(graph)])),
    constants: constantsOf(request),
    optimizer: { name: 'AdamW', ...optimizer, first_step: 1 },
    ...(plastic ? { plastic } : {}),
    licence: licenceOf(await readCard(model)),
    initial: INITIAL_FILE,
    ...known,
  }
  await writeInitial(folder, graphs.trainable, about, config, start)
  const files = await sealFiles(folder)
  const manifest: Manifest = {
    ...about,
    ...(placeless ? { identity: runIdentity(about, placeless, files) } : {}),
    files,
  }
  await writeJson(join(folder, 'ortune.json'), manifest)
  return manifest
}

/**
 * Puts config, weights and tokenizer into the folder, as copies: what happens to the model afterwards does not touch them. For a head
 * on a pooled vector the configuration says what its texts are padded with.
 *
 * @returns the parameters that the model was saved without, which are drawn from the seed
 * @throws UserError for a model that cannot be read, has weights that are not finite, or whose weights are not all there is to it
 */
export async function placeModel(
  {
    model,
    seed,
    head = languageHead,
  }: Pick<ExportRequest, 'model' | 'seed'> & { readonly head?: Pick<Head, 'kind'> },
  folder: string,
): Promise<string[]> {
  const given = await readModelConfig(model)
  const padding = head.kind === 'language' ? undefined : formatOf(given).paddingToken(given, head)
  const config = padding === undefined ? given : { ...given, pad_token_id: padding }
  let fresh: string[] = []
  if (await isBare(model)) {
    await fillModelFolder(folder, { config, tensors: seededWeights(config, seed) })
  } else {
    if (await exists(join(model, 'training.json')))
      throw new UserError(
        `${model} is a run, and its model.safetensors the model before training; write what it trained with "ortune merge ${model} --out …", and name that folder`,
      )
    if (await readNptConfig(model))
      throw new UserError(
        `${model} has plastic blocks already, which training on top of would leave out; name the model below them, and the blocks' run as npt.from`,
      )
    const source = await openTrainableFolder(model)
    await checkWeights(source)
    const { tensors } = source
    const shapes = ownShapes(config)
    const files = filesOf(tensors)
    fresh = [...shapes.keys()].filter((name) => !tensors.has(name))
    const dtype = dtypeOf(tensors)
    const told = dtype === 'F32' ? config : { ...config, [BASE_DTYPE_KEY]: DTYPE_NAMES[dtype] }
    if (readableInPlace(source) && files.length === 1 && fresh.length === 0) {
      await cloneFile(files[0]!, join(folder, WEIGHTS_FILE))
      if (told === given) await copyFile(join(model, 'config.json'), join(folder, 'config.json'))
      else await writeJson(join(folder, 'config.json'), told)
    } else {
      const dataOf = async (name: string) => {
        const stored = tensors.get(name)
        if (!stored) return seededTensor(config, seed, name, shapes.get(name)!)
        return (await readStored(new Map([[name, stored]]))).get(name)!.data
      }
      await fillModelFolder(folder, {
        config: told,
        tensors: { shapes, dataOf, dtypeOf: (name) => floatDtype(tensors.get(name)) },
        dtype,
      })
    }
    await copyFiles(model, folder, ['generation_config.json', CHAT_TEMPLATE_FILE])
  }
  await placeTokenizer(model, config, folder)
  return fresh
}

/** Copies the tokenizer of a model; a bare config.json of GPT-2's vocabulary with none beside it gets GPT-2's own. */
export async function placeTokenizer(model: string, config: ModelConfig, folder: string): Promise<void> {
  const bare = await isBare(model)
  if (bare && formatOf(config).hasPublishedVocabulary(config)) {
    const files = await gpt2TokenizerFiles()
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  }
  await placeTokenizerFiles(await tokenizerFolder(model), folder)
}

/** Where a model's tokenizer lies: beside its config.json. */
export const tokenizerFolder = async (model: string): Promise<string> =>
  (await isBare(model)) ? dirname(model) : model

/** Whether the model is a config.json alone, of which there are no weights yet. */
const isBare = async (model: string): Promise<boolean> => !(await stat(model)).isDirectory()

/** Reads the weights one by one, as nothing can be learned from a model with infinities in it. */
async function checkWeights({ tensors }: ModelFolder): Promise<void> {
  for (const [name, entry] of tensors) {
    const tensor = (await readStored(new Map([[name, entry]]))).get(name)!
    const unsound = notFinite(tensor.data)
    if (unsound !== undefined)
      throw new UserError(
        `${entry.file}: tensor ${name} has values that are not finite (${unsound}); the model is damaged, so get it anew`,
      )
  }
}

const countParameters = (shapes: ParameterShapes): number =>
  [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0)

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`)

/** @module */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'

import type { FeatureExtractionPipeline } from '@xenova/transformers'

import { UserError } from '../errors.ts'
import type { Embedder } from './embedder.ts'
import { embedInBatches } from './embedder.ts'

/**
 * Any feature extractor of transformers.js: the mean of its last hidden states over the tokens of a text.
 *
 * @param model a folder with config.json, tokenizer.json and onnx/model.onnx, which is read without a network; or the
 * name of a model on the Hugging Face hub, which transformers.js fetches once and keeps
 * @param batch texts that are embedded together, by default 32
 * @throws UserError where there is no such folder or model, or it is no feature extractor
 */
export async function openTransformersEmbedder(model: string, batch?: number): Promise<Embedder> {
  const extractor = await open(model)
  const pool = (texts: readonly string[]) => extractor([...texts], { pooling: 'mean', normalize: false })
  const width = (await pool(['a'])).dims.at(-1)!
  return {
    name: model,
    embed: (texts) =>
      embedInBatches(texts, width, async (some) => (await pool(some)).data as Float32Array, batch),
    release: () => extractor.dispose(),
  }
}

/** The outputs that transformers.js pools; a model of another task has others, such as `logits`. */
const HIDDEN_STATES = ['last_hidden_state', 'token_embeddings']

async function open(model: string): Promise<FeatureExtractionPipeline> {
  const isLocal = await isFolder(model)
  if (!isLocal && !isHubName(model)) throw new UserError(`${model} does not exist; check the path`)
  const { env, LogLevel, pipeline } = await import('@xenova/transformers')
  // Its warnings would only repeat the error.
  env.logLevel = LogLevel.ERROR
  let extractor: FeatureExtractionPipeline
  try {
    // An absolute path is no name on the hub, so nothing is looked for there.
    const options = { local_files_only: isLocal }
    extractor = await pipeline('feature-extraction', isLocal ? resolve(model) : model, options)
  } catch (error) {
    const reason = (error as Error).message.replace(/\s+/g, ' ').trim()
    throw new UserError(
      isLocal
        ? `${model} cannot be opened by transformers.js (${reason}); a feature extractor has config.json, tokenizer.json and onnx/model.onnx`
        : `${model} is neither a folder here nor a model that transformers.js can fetch (${reason}); check the name`,
    )
  }
  const sessions = Object.values(extractor.model.sessions) as { readonly outputNames: readonly string[] }[]
  const outputs = sessions.flatMap(({ outputNames }) => outputNames)
  if (HIDDEN_STATES.some((name) => outputs.includes(name))) return extractor
  await extractor.dispose()
  throw new UserError(
    `${model} is no feature extractor: it gives ${outputs.join(', ')} and no last_hidden_state; name another model`,
  )
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

/** `model` or `owner/model`; anything else is meant as a path. */
const isHubName = (name: string): boolean => /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name)

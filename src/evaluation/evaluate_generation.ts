/**
 * How good the texts are that a run's model writes, beside those of the data.
 * @module
 */
import type { PromptAndReferences } from '../data/examples/prompts_and_references.ts'
import { promptsAndReferences } from '../data/examples/prompts_and_references.ts'
import type { Split } from '../data/sets/splits.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { findModel } from '../models/find_model.ts'
import { continueAll } from '../generation/continue_all.ts'
import type { Embedder } from '../models/embedder.ts'
import { openTokenGenerator } from '../models/open_token_generator.ts'
import { greedy } from '../generation/sampling.ts'
import type { EmbeddingCosine } from '../metrics/embedding_cosine.ts'
import { embeddingCosine } from '../metrics/embedding_cosine.ts'
import type { TextMetrics } from '../metrics/text_metrics.ts'
import { textMetrics } from '../metrics/text_metrics.ts'
import type { Synonyms } from '../metrics/synonyms.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import { standingRun } from '../formats/curriculum.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { openSplit } from '../runs/split.ts'
import { readRunConfig } from '../runs/run_config.ts'

export interface GenerationEvaluationOptions {
  /** Where to compute; by default as the run's configuration has it. */
  readonly device?: Device
  /** By default the best, or what there is. */
  readonly checkpoint?: CheckpointName
  /** Default 100. */
  readonly prompts?: number
  /** By default what 99 % of the references need, their end of text included; in any case at most what the context has room for. */
  readonly maxNewTokens?: number
  /** Prompts that are continued together. Default 16. */
  readonly batch?: number
  /** Of the shuffled pairs and the bootstrap; generation is greedy. Default 0. */
  readonly seed?: number
  /** Compares the texts' meaning; without it there is no `embedding_cosine`. */
  readonly embedder?: Embedder
  /** For METEOR. */
  readonly synonyms?: Synonyms
  /** Called now and then with the prompts continued so far. */
  readonly onProgress?: (done: number, total: number) => void
}

/** White space around texts is removed. */
export interface GeneratedSample {
  readonly prompt: string
  readonly generated: string
  /** Of every example that has this prompt. */
  readonly references: readonly string[]
}

export interface GenerationEvaluation {
  readonly run: string
  readonly checkpoint: CheckpointName
  readonly split: Split
  readonly prompts: number
  readonly references: number
  readonly max_new_tokens: number
  readonly text_metrics: TextMetrics
  /** With the first reference of each prompt. Null without an embedder, or where there is one prompt only. */
  readonly embedding_cosine: (EmbeddingCosine & { readonly embedder: string }) | null
  readonly samples: readonly GeneratedSample[]
}

const DEFAULT_PROMPTS = 100
const DEFAULT_BATCH = 16

/**
 * Continues prompts of a run's data greedily and judges the texts. Examples that share a prompt are one prompt
 * with several references.
 *
 * @throws UserError where the folder is no run of a language model, or has no such checkpoint or split, or no prompts
 */
export async function evaluateGeneration(
  folder: string,
  split: Split,
  options: GenerationEvaluationOptions = {},
): Promise<GenerationEvaluation> {
  const run = await standingRun(folder)
  const cases = await readCases(run, split, options.prompts ?? DEFAULT_PROMPTS)
  const found = await findModel(run, { checkpoint: options.checkpoint })
  const generator = await openTokenGenerator(
    found,
    nodeRuntime({ ...(await readRunConfig(run)), ...options.device }),
  )
  try {
    const maxNewTokens = options.maxNewTokens ?? enoughTokens(cases)
    const { batch = DEFAULT_BATCH, onProgress } = options
    const prompts = cases.map(({ prompt }) => prompt)
    const greedily = { sampling: greedy, seed: 0, maxNewTokens, batch, onProgress }
    const answers = await continueAll(generator, prompts, greedily)
    const text = (ids: readonly number[]) => generator.tokenizer.decode(ids).trim()
    const samples = cases.map(({ prompt, references }, i) => ({
      prompt: text(prompt),
      generated: text(answers[i]!.tokens),
      references: references.map(text),
    }))
    return {
      run,
      checkpoint: found.checkpoint!,
      split,
      prompts: cases.length,
      references: cases.reduce((sum, { references }) => sum + references.length, 0),
      max_new_tokens: maxNewTokens,
      ...(await judge(samples, options)),
      samples,
    }
  } finally {
    await generator.release()
  }
}

/** Whether a run's data has prompts to generate from; plain text and classes have none. */
export async function hasPrompts(folder: string, split: Split): Promise<boolean> {
  const run = await standingRun(folder)
  const dataset = await openSplit(run, split)
  try {
    const { eosId } = await loadTokenizer(run)
    return dataset.classes.length === 0 && promptsAndReferences(dataset, 1, eosId).length > 0
  } finally {
    dataset.close()
  }
}

async function readCases(run: string, split: Split, most: number): Promise<PromptAndReferences[]> {
  const dataset = await openSplit(run, split)
  try {
    if (dataset.classes.length > 0)
      throw new UserError(
        `${run} trains a classifier, which writes no text; name the run of a language model`,
      )
    const { eosId } = await loadTokenizer(run)
    const cases = promptsAndReferences(dataset, most, eosId)
    if (cases.length > 0) return cases
  } finally {
    dataset.close()
  }
  throw new UserError(
    `${run} has no prompts in its ${split} data to generate from; that takes a template with prompt and completion, or a chat`,
  )
}

/** Where there are no references to tell. */
const SOME_TOKENS = 60

/** What 99 % of the references need, by nearest rank; one token more than they have, for the end of text. */
export function enoughTokens(cases: readonly Pick<PromptAndReferences, 'references'>[]): number {
  const lengths = cases.flatMap(({ references }) => references.map(({ length }) => length + 1))
  lengths.sort((a, b) => a - b)
  return lengths[Math.ceil(0.99 * lengths.length) - 1] ?? SOME_TOKENS
}

async function judge(
  samples: readonly GeneratedSample[],
  { embedder, synonyms, seed }: GenerationEvaluationOptions,
): Promise<Pick<GenerationEvaluation, 'text_metrics' | 'embedding_cosine'>> {
  const generated = samples.map((sample) => sample.generated)
  const references = samples.map((sample) => sample.references)
  const text_metrics = textMetrics(generated, references, { ...(synonyms ? { synonyms } : {}) })
  if (!embedder || samples.length < 2) return { text_metrics, embedding_cosine: null }
  const vectors = await embedder.embed(generated)
  const own = await embedder.embed(references.map(([first]) => first!))
  return {
    text_metrics,
    embedding_cosine: { embedder: embedder.name, ...embeddingCosine(vectors, own, seed) },
  }
}

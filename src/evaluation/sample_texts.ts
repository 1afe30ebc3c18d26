/**
 * What a run's model writes to chosen prompts, text by text, with what each is like.
 * @module
 */
import { neuroplasticEvaluationGraph } from '../../graphs/tasks/neuroplastic.ts'
import type { Split } from '../data/sets/splits.ts'
import { standingRun } from '../formats/curriculum.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { readModelConfig } from '../formats/model_config.ts'
import { continueAll } from '../generation/continue_all.ts'
import { greedy } from '../generation/sampling.ts'
import { responseOf } from '../learning/rollouts.ts'
import { moments } from '../metrics/moments.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { findModel } from '../models/find_model.ts'
import { bareResponse } from '../rewards/reward_sample.ts'
import { readRunConfig } from '../runs/run_config.ts'
import { takenBy } from '../runtime/feeds.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import { asLanguageModel } from '../tasks/language_model.ts'
import type { Measures } from '../tasks/neuroplastic/measures.ts'
import { measure } from '../tasks/neuroplastic/measures.ts'
import type { SamplePrompts } from './sample_prompts.ts'
import { trainedModel } from './trained_model.ts'

export interface SampleFigures {
  /** Tokens of the text, its end included. */
  readonly length: number
  /** Between the mean last hidden states of prompt and text. */
  readonly cosine: number
  /** Mean entropy of the next token over the text's tokens, in nats. */
  readonly entropy: number
  /** Against the best of the references, 0 … 1: BLEU of a sentence, METEOR with words and stems. Null where there are none. */
  readonly bleu: number | null
  readonly meteor: number | null
}

/** White space around texts is removed. */
export interface SampleText extends SampleFigures {
  readonly concept: string | null
  readonly prompt: string
  readonly generated: string
  /** Whether the model ended the text itself. */
  readonly finished: boolean
  readonly references: readonly string[]
  /** The data that has the prompt; null: none, so that there are no references. */
  readonly split: Split | null
}

export interface SampleTexts {
  readonly run: string
  readonly checkpoint: CheckpointName
  /** The data that was looked at first. */
  readonly from: Split
  readonly max_new_tokens: number
  readonly texts: readonly SampleText[]
  /** Over all texts, of BLEU and METEOR over those with references. */
  readonly means: SampleFigures
}

export interface SamplingOptions {
  /** Where to compute; by default as the run's configuration has it. */
  readonly device?: Device
  /** By default the best, or what there is. */
  readonly checkpoint?: CheckpointName | undefined
  /** Called now and then with the prompts continued so far. */
  readonly onProgress?: (done: number, total: number) => void
}

const BATCH = 16

/**
 * Continues prompts greedily, and measures the texts.
 *
 * @param chosen at least one prompt
 * @throws UserError where the folder has no such checkpoint, or its model writes no text
 */
export async function sampleTexts(
  folder: string,
  { prompts, split, maxNewTokens }: SamplePrompts,
  { checkpoint, device, onProgress }: SamplingOptions = {},
): Promise<SampleTexts> {
  const run = await standingRun(folder)
  const found = await findModel(run, { checkpoint })
  const [config, tokenizer] = [await readModelConfig(run), await loadTokenizer(run)]
  const runtime = nodeRuntime({ ...(await readRunConfig(run)), ...device })
  const model = trainedModel(found, { config, tokenizer, runtime })
  const generator = await model.generator()
  const greedily = { sampling: greedy, seed: 0, maxNewTokens, batch: BATCH, onProgress }
  const answers = await continueAll(
    generator,
    prompts.map(({ ids }) => ids),
    greedily,
  ).finally(() => generator.release())
  const responses = answers.map(({ tokens, ended }, i) =>
    responseOf(prompts[i]!, { tokens: [...tokens], stop: ended ? tokenizer.eosId : undefined }, tokenizer),
  )
  const measures = await model.withGraph(
    (request) => neuroplasticEvaluationGraph(asLanguageModel(request)),
    async (session, parameters) => {
      const taken = takenBy(session, parameters)
      const all: Measures[] = []
      for (let first = 0; first < responses.length; first += BATCH)
        all.push(...(await measure(session, taken, responses.slice(first, first + BATCH))))
      return all
    },
  )
  const texts = prompts.map(({ concept, text, references, split: place }, i): SampleText => {
    const response = responses[i]!
    return {
      ...{ concept, prompt: text.trim(), generated: bareResponse({ response: response.text }) },
      ...{ finished: response.ended, references: references.map((one) => one.trim()), split: place },
      ...figuresOf(measures[i]!),
    }
  })
  return {
    ...{ run, checkpoint: found.checkpoint!, from: split },
    ...{ max_new_tokens: maxNewTokens, texts, means: meansOf(texts) },
  }
}

const figuresOf = ({ cosine, entropies, overlap }: Measures): SampleFigures => ({
  ...{ length: entropies.length, cosine, entropy: moments(entropies).mean },
  ...{ bleu: overlap?.bleu ?? null, meteor: overlap?.meteor ?? null },
})

function meansOf(texts: readonly SampleFigures[]): SampleFigures {
  const mean = (name: keyof SampleFigures) => {
    const values = texts.flatMap((text) => text[name] ?? [])
    return values.length > 0 ? moments(values).mean : null
  }
  return {
    ...{ length: mean('length')!, cosine: mean('cosine')!, entropy: mean('entropy')! },
    ...{ bleu: mean('bleu'), meteor: mean('meteor') },
  }
}

/** @module */
import type { Command } from 'commander'
import { Option } from 'commander'

import type { CheckpointName } from '../models/find_model.ts'
import type { SamplingOptions } from '../generation/sampling.ts'
import { checkpointOption } from './checkpoint_option.ts'
import type { DeviceFlags } from './device_option.ts'
import { providerOption, threadsOption } from './device_option.ts'
import { realNumber, wholeNumber } from './number_argument.ts'

/** How texts are drawn. */
export interface SamplingFlags {
  maxNewTokens?: number
  temperature?: number
  topK?: number
  topP?: number
  repetitionPenalty?: number
  seed: number
}

/** The options of every command that writes text with a model of any folder. */
export interface GenerationFlags extends SamplingFlags, DeviceFlags {
  greedy?: boolean
  generationConfig: boolean
  adapter?: string
  checkpoint?: CheckpointName
}

/** @param newTokens what `--max-new-tokens` is where it is not given */
export const addGenerationOptions = (command: Command, newTokens: string): Command =>
  addSamplingOptions(command, newTokens)
    .option('--no-generation-config', "leave aside how the model's generation_config.json wants to sample")
    .option('--adapter <folder>', 'a PEFT adapter to put on the model')
    .addOption(checkpointOption())
    .addOption(providerOption())
    .addOption(threadsOption())

/** As {@link addGenerationOptions}, without those that say which model and where. */
export const addSamplingOptions = (command: Command, newTokens: string): Command =>
  command
    .option('--max-new-tokens <n>', `tokens to add at most (default: ${newTokens})`, wholeNumber({ from: 1 }))
    .option(
      '--temperature <t>',
      'flatten (> 1) or sharpen (< 1) the distribution; samples',
      realNumber({ from: 1e-3, below: 'for the likeliest token each time leave it out, or give --greedy' }),
    )
    .option('--top-k <k>', 'draw among the k likeliest tokens only; samples', wholeNumber({ from: 0 }))
    .option(
      '--top-p <p>',
      'draw among the likeliest tokens of this mass; samples',
      realNumber({ from: 1e-6, to: 1 }),
    )
    .option(
      '--repetition-penalty <f>',
      'make tokens that occurred less likely (> 1)',
      realNumber({ from: 1e-3 }),
    )
    .option('--seed <n>', 'seed of the random draws', wholeNumber({ from: 0 }), 0)

/** `--do-sample`, where texts are not drawn at random by themselves. */
export const doSampleOption = (): Option =>
  new Option('--do-sample', 'draw tokens at random instead of taking the likeliest')

/** `--greedy`, where something else may say that tokens are drawn. */
export const greedyOption = (what: string): Option =>
  new Option('--greedy', `take the likeliest token${what}`).conflicts([
    ...['temperature', 'topK', 'topP', 'doSample'],
  ])

/** Temperature, top-k and top-p have a meaning for random draws only, so each of them asks for those. */
export const drawsAtRandom = ({
  doSample,
  temperature,
  topK,
  topP,
}: SamplingFlags & { readonly doSample?: boolean }): boolean =>
  doSample ?? [temperature, topK, topP].some((value) => value !== undefined)

/** Those of the options that were given. */
export function givenSampling(
  flags: SamplingFlags,
): Partial<SamplingOptions> & { readonly max_new_tokens?: number } {
  const { maxNewTokens, temperature, topK, topP, repetitionPenalty } = flags
  const named = {
    temperature,
    top_k: topK,
    top_p: topP,
    repetition_penalty: repetitionPenalty,
    max_new_tokens: maxNewTokens,
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
}

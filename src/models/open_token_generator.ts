/**
 * From the model that a folder stands for to generated tokens.
 * @module
 */
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { UserError } from '../errors.ts'
import type { FoundModel } from './find_model.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import type { GenerationOptions } from '../generation/generate.ts'
import { generate } from '../generation/generate.ts'
import type { DecoderOptions } from './open_decoder.ts'
import { openModelDecoder } from './open_decoder.ts'

export interface TokenGenerator {
  readonly tokenizer: Tokenizer
  readonly config: Gpt2Config
  /** Continues prompts of token ids up to an end of text, which is not part of the result; see {@link generate}. */
  generate(
    prompts: readonly (readonly number[])[],
    options: Omit<GenerationOptions, 'stop_tokens'>,
  ): Promise<number[][]>
  release(): Promise<void>
}

/** @throws UserError where the model cannot be opened, is a classifier, or its tokenizer is another model's */
export async function openTokenGenerator(
  found: FoundModel,
  options: DecoderOptions = {},
): Promise<TokenGenerator> {
  const { base, classifier } = found
  if (classifier)
    throw new UserError(
      classifier.classes.length === 1
        ? `${base} is a reward model and writes no text; use "ortune score" instead`
        : `${base} is a classifier and writes no text; use "ortune classify" instead`,
    )
  const tokenizer = await loadTokenizer(base)
  const opened = await openModelDecoder(found, options)
  const { decoder, config } = opened
  if (tokenizer.vocabSize > config.vocab_size) {
    await opened.release()
    throw new UserError(
      `the tokenizer in ${base} has ${tokenizer.vocabSize} tokens but the model ${config.vocab_size}; use the model's own tokenizer`,
    )
  }
  const stop_tokens = [tokenizer.eosId, ...(config.eos_token_id === null ? [] : [config.eos_token_id])]
  return {
    tokenizer,
    config,
    generate: (prompts, given) => generate(decoder, prompts, config.n_positions, { ...given, stop_tokens }),
    release: () => opened.release(),
  }
}

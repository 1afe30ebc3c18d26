/** @module */
import type { GenerationConfig } from '../formats/generation_config.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { Decoder } from './decoder.ts'
import type { GenerationOptions } from './generate.ts'
import { generate } from './generate.ts'

/** A model that writes tokens after prompts of tokens. */
export interface TokenGenerator {
  readonly tokenizer: Tokenizer
  /** Most tokens that it reads. */
  readonly context: number
  /** How its own folder wants texts to be written; only those who ask for it follow it. */
  readonly config: GenerationConfig
  /** Continues prompts of token ids up to an end of text, which is not part of the result; see {@link generate}. */
  generate(
    prompts: readonly (readonly number[])[],
    options: Omit<GenerationOptions, 'stop_tokens' | 'isText'>,
  ): Promise<number[][]>
  release(): Promise<void>
}

export interface TokenGeneratorParts extends Pick<TokenGenerator, 'tokenizer' | 'context' | 'release'> {
  readonly decoder: Decoder
  /** By default there is nothing but the tokenizer's end of text. */
  readonly config?: GenerationConfig
}

const NOTHING: GenerationConfig = { endsOfText: [], defaults: {}, unfollowed: {} }

/** A generator over an open decoder. */
export function createTokenGenerator({
  decoder,
  config = NOTHING,
  tokenizer,
  context,
  release,
}: TokenGeneratorParts): TokenGenerator {
  const stop_tokens = stopTokens(tokenizer, config)
  return {
    tokenizer,
    context,
    config,
    generate: (prompts, given) =>
      generate(decoder, prompts, context, { ...given, stop_tokens, isText: tokenizer.knows }),
    release,
  }
}

/** The tokens that end a text: the one that training learns to end with, and those that the model's own folder names. */
export const stopTokens = (tokenizer: Tokenizer, { endsOfText }: GenerationConfig): number[] => [
  ...new Set([tokenizer.eosId, ...endsOfText]),
]

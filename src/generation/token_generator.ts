/** @module */
import type { Tokenizer } from '../text/tokenizer.ts'
import type { Decoder } from './decoder.ts'
import type { GenerationOptions } from './generate.ts'
import { generate } from './generate.ts'

/** A model that writes tokens after prompts of tokens. */
export interface TokenGenerator {
  readonly tokenizer: Tokenizer
  /** Most tokens that it reads. */
  readonly context: number
  /** Continues prompts of token ids up to an end of text, which is not part of the result; see {@link generate}. */
  generate(
    prompts: readonly (readonly number[])[],
    options: Omit<GenerationOptions, 'stop_tokens' | 'isText'>,
  ): Promise<number[][]>
  release(): Promise<void>
}

export interface TokenGeneratorParts extends Pick<TokenGenerator, 'tokenizer' | 'context' | 'release'> {
  readonly decoder: Decoder
  /** The token that the model's own configuration ends texts with, where it names one. */
  readonly endOfText: number | null
}

/** A generator over an open decoder. */
export function createTokenGenerator({
  decoder,
  endOfText,
  tokenizer,
  context,
  release,
}: TokenGeneratorParts): TokenGenerator {
  const stop_tokens = [tokenizer.eosId, ...(endOfText === null ? [] : [endOfText])]
  return {
    tokenizer,
    context,
    generate: (prompts, given) =>
      generate(decoder, prompts, context, { ...given, stop_tokens, isText: tokenizer.knows }),
    release,
  }
}

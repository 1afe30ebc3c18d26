/**
 * From generated tokens to texts.
 * @module
 */
import type { GenerationConfig } from '../formats/generation_config.ts'
import { withoutDefaults } from '../formats/generation_config.ts'
import { createDetokenizer, decodeAfter } from '../text/detokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { newTokensWith, samplingWith } from './defaults.ts'
import { checkPrompts } from './generate.ts'
import type { SamplingOptions } from './sampling.ts'
import type { TokenGenerator } from './token_generator.ts'
import type { GivenPrompt } from './written_prompt.ts'
import { promptIds, promptText } from './written_prompt.ts'

/** Options of sampling that are left out are those of the model's generation_config.json, if it has them. */
export interface TextOptions extends Partial<SamplingOptions> {
  /** By default as the model's generation_config.json says, else 60, or as many as the context leaves room for. */
  readonly max_new_tokens?: number
  /** Default 0. */
  readonly seed?: number
  /** Prompts that are continued together. Default 8. */
  readonly batch?: number
  /** Called with the text of each row as it comes, in pieces that end at characters. */
  readonly onText?: (row: number, piece: string) => void
}

export interface Continuation {
  readonly prompt: string
  /** What follows the prompt. */
  readonly text: string
  /** The ids of `text`, without the one that ended it. */
  readonly tokens: readonly number[]
  readonly prompt_tokens: number
  /** Whether the model ended the text itself. */
  readonly finished: boolean
}

export interface Generator {
  readonly tokenizer: Tokenizer
  /** Most tokens that the model reads. */
  readonly context: number
  /** What the model's folder says about writing. */
  readonly config: GenerationConfig
  /** @throws UserError where a prompt is empty or does not fit the context */
  generate(prompts: readonly GivenPrompt[], options?: TextOptions): Promise<Continuation[]>
  release(): Promise<void>
}

const DEFAULT_NEW_TOKENS = 60
const DEFAULT_BATCH = 8

/**
 * Texts over what generates tokens, which is released with it.
 *
 * @param options `defaults` false leaves aside how the model wants to sample
 */
export function textGenerator(
  generator: TokenGenerator,
  { defaults = true }: { readonly defaults?: boolean } = {},
): Generator {
  const { tokenizer, context } = generator
  const config = defaults ? generator.config : withoutDefaults(generator.config)

  async function continueAll(
    prompts: readonly GivenPrompt[],
    options: TextOptions = {},
  ): Promise<Continuation[]> {
    const { batch = DEFAULT_BATCH, seed = 0, max_new_tokens, onText, ...sampling } = options
    const encoded = prompts.map((prompt) => promptIds(tokenizer, prompt))
    const longest = Math.max(...encoded.map(({ length }) => length))
    const newTokens = max_new_tokens ?? newTokensWith(config, longest, context, DEFAULT_NEW_TOKENS)
    checkPrompts(encoded, context, newTokens)

    const detokenizers = encoded.map((ids) => createDetokenizer(tokenizer, ids))
    const onToken = (row: number, token: number) => onText?.(row, detokenizers[row]!.push(token))
    const results: Continuation[] = []
    for (let firstRow = 0; firstRow < prompts.length; firstRow += batch) {
      const generated = await generator.generate(encoded.slice(firstRow, firstRow + batch), {
        ...samplingWith(config, sampling),
        max_new_tokens: newTokens,
        seed,
        firstRow,
        onToken,
      })
      for (const [i, tokens] of generated.entries()) {
        const row = firstRow + i
        onText?.(row, detokenizers[row]!.flush())
        results.push({
          prompt: promptText(prompts[row]!),
          text: decodeAfter(tokenizer, encoded[row]!, tokens),
          tokens,
          prompt_tokens: encoded[row]!.length,
          finished: tokens.length < newTokens,
        })
      }
    }
    return results
  }

  return { tokenizer, context, config, generate: continueAll, release: () => generator.release() }
}

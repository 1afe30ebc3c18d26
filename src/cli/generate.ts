/** @module */
import { Command } from 'commander'

import type { CheckpointName } from '../formats/find_model.ts'
import type { Continuation, TextOptions } from '../generation/open_generator.ts'
import { checkpointOption } from './checkpoint_option.ts'
import { realNumber, wholeNumber } from './number_argument.ts'

interface GenerateFlags {
  prompt?: string[]
  promptFile?: string
  maxNewTokens?: number
  doSample?: boolean
  temperature?: number
  topK?: number
  topP?: number
  repetitionPenalty?: number
  seed: number
  batch: number
  adapter?: string
  checkpoint?: CheckpointName
  threads?: number
  json?: boolean
}

/** `ortune generate <folder>` */
export const generateCommand = (): Command =>
  new Command('generate')
    .description('continue prompts with a model, a run or a checkpoint')
    .argument('<folder>', 'folder of a model, of a run (its best checkpoint is used) or of a checkpoint')
    .option('--prompt <text...>', 'text to continue; several are continued together')
    .option('--prompt-file <path>', 'one prompt per line; in a .jsonl file each line is a JSON string')
    .option(
      '--max-new-tokens <n>',
      'tokens to add at most (default: 60, if they fit)',
      wholeNumber({ from: 1 }),
    )
    .option('--do-sample', 'draw tokens at random instead of taking the likeliest')
    .option(
      '--temperature <t>',
      'flatten (> 1) or sharpen (< 1) the distribution; samples',
      realNumber({ from: 1e-3 }),
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
    .option('--batch <n>', 'prompts continued at a time', wholeNumber({ from: 1 }), 8)
    .option('--adapter <folder>', 'a PEFT adapter to put on the model')
    .addOption(checkpointOption())
    .option('--threads <n>', 'threads to compute with', wholeNumber({ from: 1 }))
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  ortune generate runs/dictionary --prompt "Word: lantern ; Definition:" --max-new-tokens 30',
    )
    .action(async (folder: string, flags: GenerateFlags) => {
      const { readPrompts } = await import('./prompts.ts')
      const { openGenerator } = await import('../generation/open_generator.ts')
      const prompts = await readPrompts(flags.prompt ?? [], flags.promptFile)
      const { checkpoint, adapter, threads } = flags
      const generator = await openGenerator(folder, { checkpoint, adapter, threads })
      try {
        const streams = prompts.length === 1 && !flags.json
        const onText = streams ? streamAfter(prompts[0]!) : undefined
        const started = performance.now()
        const continuations = await generator.generate(prompts, { ...textOptions(flags), onText })
        const seconds = (performance.now() - started) / 1000
        const tokens = continuations.reduce((sum, continuation) => sum + continuation.tokens.length, 0)

        if (streams) process.stdout.write('\n')
        else if (flags.json) printJson(folder, continuations, tokens / seconds)
        else printAll(continuations)
        process.stderr.write(`${tokens} tokens, ${(tokens / seconds).toFixed(1)} tokens/s\n`)
      } finally {
        await generator.release()
      }
    })

/** Temperature, top-k and top-p have a meaning for random draws only, so each of them asks for those. */
function textOptions(flags: GenerateFlags): TextOptions {
  const { maxNewTokens, temperature, topK, topP, repetitionPenalty, seed, batch } = flags
  const given = {
    temperature,
    top_k: topK,
    top_p: topP,
    repetition_penalty: repetitionPenalty,
    max_new_tokens: maxNewTokens,
  }
  const do_sample = flags.doSample ?? [temperature, topK, topP].some((value) => value !== undefined)
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...set, do_sample, seed, batch }
}

/** Writes the prompt and then the pieces as they come. */
function streamAfter(prompt: string): (row: number, piece: string) => void {
  let before = prompt
  return (_row, piece) => {
    process.stdout.write(before + piece)
    before = ''
  }
}

function printAll(continuations: readonly Continuation[]): void {
  process.stdout.write(`${continuations.map(({ prompt, text }) => prompt + text).join('\n\n')}\n`)
}

function printJson(model: string, continuations: readonly Continuation[], tokens_per_second: number): void {
  process.stdout.write(`${JSON.stringify({ model, continuations, tokens_per_second })}\n`)
}

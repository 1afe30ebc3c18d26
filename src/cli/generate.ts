/** @module */
import { Command } from 'commander'

import type { Continuation, TextOptions } from '../models/open_generator.ts'
import type { GenerationFlags } from './generation_options.ts'
import { addGenerationOptions, doSampleOption, drawsAtRandom, givenSampling } from './generation_options.ts'
import { wholeNumber } from './number_argument.ts'
import { terminalText } from './terminal_text.ts'

interface GenerateFlags extends GenerationFlags {
  prompt?: string[]
  promptFile?: string
  doSample?: boolean
  batch: number
  json?: boolean
}

/** `ortune generate <folder>` */
export const generateCommand = (): Command =>
  addGenerationOptions(
    new Command('generate')
      .argument('<folder>', 'folder of a model, of a run (its best checkpoint is used) or of a checkpoint')
      .option('--prompt <text...>', 'text to continue; several are continued together')
      .option('--prompt-file <path>', 'one prompt per line; in a .jsonl file each line is a JSON string')
      .addOption(doSampleOption()),
    '60, if they fit',
  )
    .option('--batch <n>', 'prompts continued at a time', wholeNumber({ from: 1 }), 8)
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  ortune generate runs/dictionary --prompt "Word: lantern ; Definition:" --max-new-tokens 30',
    )
    .action(async (folder: string, flags: GenerateFlags) => {
      const { readPrompts } = await import('./prompts.ts')
      const { openGenerator } = await import('../models/open_generator.ts')
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

function textOptions(flags: GenerateFlags): TextOptions {
  const { seed, batch } = flags
  return { ...givenSampling(flags), do_sample: drawsAtRandom(flags), seed, batch }
}

/** Writes the prompt and then the pieces as they come. */
function streamAfter(prompt: string): (row: number, piece: string) => void {
  let before = prompt
  return (_row, piece) => {
    process.stdout.write(terminalText(before + piece))
    before = ''
  }
}

function printAll(continuations: readonly Continuation[]): void {
  process.stdout.write(
    terminalText(`${continuations.map(({ prompt, text }) => prompt + text).join('\n\n')}\n`),
  )
}

function printJson(model: string, continuations: readonly Continuation[], tokens_per_second: number): void {
  process.stdout.write(`${JSON.stringify({ model, continuations, tokens_per_second })}\n`)
}

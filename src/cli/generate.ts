/** @module */
import { Command } from 'commander'

import type { Continuation, TextOptions } from '../models/open_generator.ts'
import type { GenerationFlags } from './generation_options.ts'
import { addGenerationOptions, doSampleOption, drawsAtRandom, givenSampling } from './generation_options.ts'
import { wholeNumber } from './number_argument.ts'
import type { PromptFlags } from './written_prompts.ts'
import { terminalText } from './terminal_text.ts'

interface GenerateFlags extends GenerationFlags, PromptFlags {
  doSample?: boolean
  batch: number
  json?: boolean
}

/** `ortune generate <folder>` */
export const generateCommand = (): Command =>
  addGenerationOptions(
    new Command('generate')
      .argument('<folder>', 'folder of a model, of a run (its best checkpoint is used) or of a checkpoint')
      .option(
        '--prompt <text...>',
        "text to continue; the run's template is put around it, unless it is written like that already",
      )
      .option(
        '--prompt-file <path>',
        'one prompt per line; in a .jsonl file each line is a JSON string or a row',
      )
      .option('--column <name=value...>', "columns that the run's template reads")
      .option('--row <json...>', 'the same as JSON objects, one for each prompt')
      .option('--raw', "continue prompts as they are, without the run's template")
      .option('--template <n>', "which of the run's templates to use", wholeNumber({ from: 1 }), 1)
      .addOption(doSampleOption()),
    '60, if they fit',
  )
    .option('--batch <n>', 'prompts continued at a time', wholeNumber({ from: 1 }), 8)
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune generate runs/dictionary --column word=lantern --max-new-tokens 30\n' +
        '  ortune generate runs/dictionary --prompt "Word: lantern ; Definition:" --raw',
    )
    .action(async (folder: string, flags: GenerateFlags) => {
      const { writePrompts } = await import('./written_prompts.ts')
      const { promptText } = await import('../generation/written_prompt.ts')
      const { openGenerator } = await import('../models/open_generator.ts')
      const { prompts, template, note } = await writePrompts(folder, flags)
      const { checkpoint, adapter, threads } = flags
      const generator = await openGenerator(folder, { checkpoint, adapter, threads })
      try {
        const streams = prompts.length === 1 && !flags.json
        const onText = streams ? streamAfter(promptText(prompts[0]!)) : undefined
        if (note !== undefined) process.stderr.write(`${terminalText(note)}\n`)
        const started = performance.now()
        const continuations = await generator.generate(prompts, { ...textOptions(flags), onText })
        const seconds = (performance.now() - started) / 1000
        const tokens = continuations.reduce((sum, continuation) => sum + continuation.tokens.length, 0)

        if (streams) process.stdout.write('\n')
        else if (flags.json)
          printJson({ model: folder, template, continuations, tokens_per_second: tokens / seconds })
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

const printJson = (result: object): void => void process.stdout.write(`${JSON.stringify(result)}\n`)

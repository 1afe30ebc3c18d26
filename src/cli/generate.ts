/** @module */
import { Command } from 'commander'

import type { Continuation } from '../models/open_generator.ts'
import type { SamplingOptions } from '../generation/sampling.ts'
import { deviceOf } from './device_option.ts'
import { generationNotes, takenDefaults } from './generation_notes.ts'
import type { GenerationFlags } from './generation_options.ts'
import {
  addGenerationOptions,
  doSampleOption,
  drawsAtRandom,
  givenSampling,
  greedyOption,
} from './generation_options.ts'
import { wholeNumber } from './number_argument.ts'
import type { PromptFlags } from './written_prompts.ts'
import { templateVariableOption } from './template_variable.ts'
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
      .addOption(templateVariableOption())
      .addOption(doSampleOption())
      .addOption(greedyOption(', whatever generation_config.json says')),
    "the model's generation_config.json, else 60, if they fit",
  )
    .option('--batch <n>', 'prompts continued at a time', wholeNumber({ from: 1 }), 8)
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      "\nOptions of sampling that are not given are those of the model's generation_config.json, where it has them.\n" +
        '\nExamples:\n  ortune generate runs/dictionary --column word=lantern --max-new-tokens 30\n' +
        '  ortune generate runs/dictionary --prompt "Word: lantern ; Definition:" --raw',
    )
    .action(async (folder: string, flags: GenerateFlags) => {
      const { writePrompts } = await import('./written_prompts.ts')
      const { promptText } = await import('../generation/written_prompt.ts')
      const { openGenerator } = await import('../models/open_generator.ts')
      const { samplingWith } = await import('../generation/defaults.ts')
      const { checkpoint, adapter, seed, batch, generationConfig: defaults } = flags
      const generator = await openGenerator(folder, {
        checkpoint,
        adapter,
        ...(await deviceOf(flags)),
        defaults,
      })
      try {
        const { prompts, template, note } = await writePrompts(folder, flags, generator.tokenizer)
        const streams = prompts.length === 1 && !flags.json
        const onText = streams ? streamAfter(promptText(prompts[0]!)) : undefined
        if (note !== undefined) process.stderr.write(`${terminalText(note)}\n`)
        const { max_new_tokens, ...given } = givenOptions(flags)
        const sampling = samplingWith(generator.config, given)
        const taken = takenDefaults(generator.config, { ...given, max_new_tokens }, sampling)
        for (const line of generationNotes(taken, generator.config)) process.stderr.write(`${line}\n`)
        const started = performance.now()
        const continuations = await generator.generate(prompts, {
          ...{ ...sampling, seed, batch, onText },
          ...(max_new_tokens === undefined ? {} : { max_new_tokens }),
        })
        const seconds = (performance.now() - started) / 1000
        const tokens = continuations.reduce((sum, continuation) => sum + continuation.tokens.length, 0)

        if (streams) process.stdout.write('\n')
        else if (flags.json) {
          const { unfollowed } = generator.config
          printJson({
            ...{ model: folder, template, continuations, sampling },
            generation_config: { taken, unfollowed },
            tokens_per_second: tokens / seconds,
          })
        } else printAll(continuations)
        process.stderr.write(`${tokens} tokens, ${(tokens / seconds).toFixed(1)} tokens/s\n`)
      } finally {
        await generator.release()
      }
    })

/** The options that were given, and whether they ask for random draws. */
function givenOptions(flags: GenerateFlags): Partial<SamplingOptions> & { readonly max_new_tokens?: number } {
  const given = givenSampling(flags)
  if (flags.greedy) return { ...given, do_sample: false }
  return drawsAtRandom(flags) ? { ...given, do_sample: true } : given
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

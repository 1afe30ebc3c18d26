/** @module */
import { createInterface } from 'node:readline'

import { Command, Option } from 'commander'

import type { Question } from '../generation/chat_form.ts'
import { shortenSentence } from '../quote.ts'
import type { OpenChat } from '../runs/open_chat.ts'
import type { Lessons } from '../runs/lessons/lessons.ts'
import type { Way } from '../runs/lessons/session_folder.ts'
import { visibleLines } from '../visible_text.ts'
import type { ChatPlace } from './chat_loop.ts'
import { CHAT_HELP, LESSON_HELP } from './chat_loop.ts'
import { deviceOf } from './device_option.ts'
import type { GenerationFlags } from './generation_options.ts'
import { generationNotes, takenDefaults } from './generation_notes.ts'
import { addGenerationOptions, drawsAtRandom, givenSampling, greedyOption } from './generation_options.ts'
import { wholeNumber } from './number_argument.ts'
import type { TemplateVariables } from './template_variable.ts'
import { templateVariableOption } from './template_variable.ts'
import { terminalText } from './terminal_text.ts'

interface ChatFlags extends GenerationFlags, TemplateVariables {
  template: number
  system?: string
  learn?: Way
  session?: string
  heldOut?: string
  json?: boolean
}

const SAMPLING = { do_sample: true, temperature: 0.7, top_k: 0, top_p: 0.9, repetition_penalty: 1 }

/** `ortune chat <folder>` */
export const chatCommand = (): Command =>
  addGenerationOptions(
    new Command('chat')
      .argument('<folder>', 'folder of a run (its best checkpoint is used), of a checkpoint or of a model')
      .addOption(
        greedyOption(
          " instead of drawing as the model's generation_config.json says, else with temperature 0.7 and top-p 0.9",
        ),
      )
      .option('--system <text>', 'system message that the conversation begins with')
      .option('--template <n>', "which of the run's templates to use", wholeNumber({ from: 1 }), 1)
      .addOption(templateVariableOption())
      .addOption(
        new Option(
          '--learn [way]',
          'let the model learn what it is taught: by steps of training on an adapter, or with plastic blocks by consolidating',
        )
          .choices(['steps', 'consolidate'] satisfies Way[])
          .preset('steps' satisfies Way),
      )
      .option(
        '--session <folder>',
        'learn, and keep lessons and conversation there; one that is there goes on',
      )
      .option(
        '--held-out <file>',
        "text that lessons must not harm (default: the run's validation data, or shipped definitions)",
      ),
    "the model's generation_config.json, else 100, if half of the context has room for them",
  )
    .option('--json', 'print one line of JSON for each reply and each lesson, in place of the replies')
    .addHelpText(
      'after',
      `\nWhile it runs:\n${CHAT_HELP}\n\nWhere it learns:\n${LESSON_HELP}\n` +
        '\nExamples:\n  ortune chat runs/assistant --max-new-tokens 80\n  echo lantern | ortune chat runs/dictionary --greedy --json\n  ortune chat artifacts/pocket --learn --session runs/lessons',
    )
    .action(async (folder: string, flags: ChatFlags) => {
      const { withSession } = await import('./learning_chat.ts')
      await withSession(flags.session, () => chatWith(folder, flags))
    })

async function chatWith(folder: string, flags: ChatFlags): Promise<void> {
  const { createChat } = await import('../generation/chat.ts')
  const { samplingWith } = await import('../generation/defaults.ts')
  const { withoutDefaults } = await import('../formats/generation_config.ts')
  const { chatLoop } = await import('./chat_loop.ts')
  const { lessonCommands } = await import('./lesson_commands.ts')
  const { template, seed } = flags
  const { lessons, ...opened } = await openPlace(folder, flags)
  const place = terminal(flags.json ?? false)
  const onForgotten = once(() =>
    place.say('The context is full: the oldest turns are forgotten from now on.'),
  )
  const { generator } = opened
  const config = flags.generationConfig ? generator.config : withoutDefaults(generator.config)
  const { max_new_tokens, ...drawing } = givenSampling(flags)
  const does = flags.greedy ? { do_sample: false } : drawsAtRandom(flags) ? { do_sample: true } : {}
  const sampling = samplingWith(config, { ...drawing, ...does }, SAMPLING)
  const own = config.defaults.max_new_tokens
  const length = max_new_tokens ?? (own && Math.min(own, generator.context >> 1))
  const taken = takenDefaults(config, { ...drawing, ...does, max_new_tokens }, sampling)
  for (const note of generationNotes(taken, config)) place.say(note)
  try {
    const chat = createChat(generator, opened.form, {
      ...{ ...sampling, seed, onForgotten, system: flags.system },
      ...(length === undefined ? {} : { max_new_tokens: length }),
      ...(lessons ? { begun: lessons.session.conversation } : {}),
    })
    if (lessons) place.say(introduction(lessons))
    if (place.interactive) place.say(greeting(opened.form.questions, template, opened.templates))
    await chatLoop(chat, place, lessons && lessonCommands(lessons, chat, place))
    if (lessons?.merge !== undefined && lessons.session.lessons.length > 0)
      place.say(`permanent: ${lessons.merge}`)
  } finally {
    place.close()
    await (lessons ?? generator).release()
  }
}

/** The model with its form, and the lessons that it is given, where it learns. */
async function openPlace(
  folder: string,
  flags: ChatFlags,
): Promise<OpenChat & { readonly lessons?: Lessons }> {
  const { openChat, openForm } = await import('../runs/open_chat.ts')
  const { checkpoint, adapter, template, templateVariable: variables } = flags
  const choice = { checkpoint, adapter, ...(await deviceOf(flags)) }
  const { learns, openLearning } = await import('./learning_chat.ts')
  if (!learns(flags)) return openChat(folder, { ...choice, template, variables })
  const lessons = await openLearning(folder, { ...choice, ...flags })
  const { generator } = lessons
  try {
    const form = await openForm(folder, generator.tokenizer, { ...choice, template, variables })
    return { ...form, generator, lessons }
  } catch (error) {
    await lessons.release()
    throw error
  }
}

function introduction({ heldOut, session }: Lessons): string {
  const { length } = session.lessons
  const begun = length === 0 ? '' : ` ${length} ${length === 1 ? 'lesson' : 'lessons'} so far.`
  return `The model learns by /learn and /correct; /forget takes back.${begun} Watched: ${heldOut}.`
}

/** Standard input, with prompts and line editing where a person types; beside data they go to standard error. */
function terminal(json: boolean): ChatPlace & { close(): void } {
  const output = json ? process.stderr : process.stdout
  const interactive = process.stdin.isTTY && output.isTTY
  const lines = createInterface({
    input: process.stdin,
    ...(interactive ? { output } : {}),
    historySize: 100,
  })
  let reply: AbortController | undefined
  lines.on('SIGINT', () => {
    if (reply) reply.abort()
    else lines.close()
  })
  return {
    lines,
    interactive,
    ask({ name, optional }) {
      reply = undefined
      if (!interactive) return
      lines.setPrompt(optional ? `${name} (may be empty)> ` : `${name}> `)
      lines.prompt()
    },
    write: (piece) => void (json || process.stdout.write(terminalText(piece))),
    ...(json ? { record: (line) => void process.stdout.write(`${JSON.stringify(line)}\n`) } : {}),
    say: (sentence) => void process.stderr.write(`${shortenSentence(visibleLines(sentence), 1500)}\n`),
    interruption() {
      reply = new AbortController()
      return reply.signal
    },
    close: () => lines.close(),
  }
}

function greeting(questions: readonly Question[], template: number, templates: number): string {
  const names = questions.map(({ name, optional }) => (optional ? `${name} (may be empty)` : name)).join(', ')
  const which =
    templates > 1 ? `Template ${template} of ${templates} (--template <n> takes another) asks` : 'It asks'
  return `${which} for: ${names}. /help lists commands, /exit or Ctrl-D ends.`
}

function once(act: () => void): () => void {
  let done = false
  return () => {
    if (!done) act()
    done = true
  }
}

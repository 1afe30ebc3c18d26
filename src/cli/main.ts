/**
 * The `ortune` command.
 * @module
 */
import { Command, CommanderError } from 'commander'

import { UserError } from '../errors.ts'
import { shortenSentence } from '../quote.ts'
import { version } from '../version.ts'
import { visible, visibleLines } from '../visible_text.ts'
import { commands } from './commands.ts'
import { endOnSignals } from './interruption.ts'
import { keyMeant, runKeys } from './run_keys.ts'
import { systemError } from './system_error.ts'

export { isForeign } from '../rewards/foreign_code.ts'

/** Parses the arguments, runs the command, and turns a user's mistake into one sentence and exit code 2. */
export async function main(argv: readonly string[]): Promise<void> {
  endOnSignals()
  let running: Command | undefined
  const program = new Command('ortune')
    .description('Fine-tune and align language models on ONNX Runtime')
    .version(version(), '-V, --version', 'print the version')
    .showHelpAfterError('(add --help for the options and an example)')
    .addHelpText('after', '\n"ortune <command> --help" shows its options and an example.')
    .configureOutput({
      outputError: (text, write) => write(shortenSentence(visibleLines(withKey(text, running, argv)))),
    })
    .exitOverride()
  // `ortune train …`, and `ortune help train`.
  const called = argv[2] === 'help' ? argv[3] : argv[2]
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = name === called ? await load() : new Command(name)
    if (name === called) running = command
    program.addCommand(command.description(summary).copyInheritedSettings(program))
  }
  try {
    // Of a command that there is not, help says so as its call does.
    const unknown =
      argv[2] === 'help' && called !== undefined && !Object.hasOwn(commands, called) && called !== 'help'
    await program.parseAsync(unknown ? [...argv.slice(0, 2), called] : argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** An error of an option that the command has not, with the key of the YAML file that it may stand for. */
function withKey(text: string, command: Command | undefined, argv: readonly string[]): string {
  const [, option] = /^error: unknown option '(.*?)'/s.exec(text) ?? []
  if (option === undefined || command === undefined) return text
  const meant = keyMeant(option, argv, runKeys(command))
  return meant === undefined
    ? text
    : `error: unknown option '${option}'; keys of the YAML file stand without dashes: ${meant}\n`
}

/** What an error quotes may come out of any file: it moves no cursor, changes no colour, and does not fill the terminal. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof UserError) {
    process.stderr.write(`ortune: ${shortenSentence(visible(error.message))}\n`)
    return 2
  }
  const refused = systemError(error)
  if (refused !== undefined) {
    process.stderr.write(`ortune: ${shortenSentence(visible(refused))}\n`)
    return 2
  }
  const fault = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`ortune: ${shortenSentence(visibleLines(fault), 4000)}\n`)
  return 1
}

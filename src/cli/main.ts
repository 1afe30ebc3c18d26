/**
 * The `ortune` command.
 * @module
 */
import { Command, CommanderError } from 'commander'

import { UserError } from '../errors.ts'
import { chatCommand } from './chat.ts'
import { classifyCommand } from './classify.ts'
import { consolidateCommand } from './consolidate.ts'
import { demoCommand } from './demo.ts'
import { evaluateCommand } from './evaluate.ts'
import { exportCommand } from './export.ts'
import { generateCommand } from './generate.ts'
import { inspectCommand } from './inspect.ts'
import { judgeCommand } from './judge.ts'
import { mergeCommand } from './merge.ts'
import { prepareCommand } from './prepare.ts'
import { resumeCommand } from './resume.ts'
import { scoreCommand } from './score.ts'
import { trainCommand } from './train.ts'

const commands = [
  demoCommand,
  prepareCommand,
  exportCommand,
  trainCommand,
  resumeCommand,
  evaluateCommand,
  judgeCommand,
  generateCommand,
  chatCommand,
  classifyCommand,
  scoreCommand,
  consolidateCommand,
  mergeCommand,
  inspectCommand,
]

/** Parses the arguments, runs the command, and turns a user's mistake into one sentence and exit code 2. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('ortune')
    .description('Fine-tune and align GPT-2-class language models on ONNX Runtime')
    .showHelpAfterError('(add --help for the options and an example)')
    .exitOverride()
  for (const command of commands) program.addCommand(command().exitOverride())
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof UserError) {
    process.stderr.write(`ortune: ${error.message}\n`)
    return 2
  }
  process.stderr.write(`ortune: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
}

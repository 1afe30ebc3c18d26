/** @module */
import { Argument, Command } from 'commander'

import type { CommandEntry } from './commands.ts'
import type { CompletedCommand } from './completion_script.ts'
import { runKeys } from './run_keys.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** `ortune completion <shell>`, of these commands, itself among them. */
export const completionCommand = (commands: Readonly<Record<string, CommandEntry>>): Command =>
  new Command('completion')
    .addArgument(new Argument('<shell>', 'what reads the script').choices(SHELLS))
    .option('--json', 'print one JSON result on standard output: the script')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune completion bash >> ~/.bashrc\n  ortune completion fish > ~/.config/fish/completions/ortune.fish',
    )
    .action(async (shell: (typeof SHELLS)[number], { json }: { json?: boolean }) => {
      const { completionScripts } = await import('./completion_script.ts')
      const completed: CompletedCommand[] = []
      for (const [name, { summary, load }] of Object.entries(commands)) {
        const command = await load()
        completed.push({
          name,
          summary,
          first: command.registeredArguments[0]?.name(),
          choices: command.registeredArguments[0]?.argChoices ?? [],
          keys: runKeys(command),
          options: command.options.map((option) => ({
            flag: option.long!,
            meaning: option.description,
            takesValue: option.required,
            choices: option.argChoices ?? [],
          })),
        })
      }
      const script = completionScripts[shell](completed)
      process.stdout.write(json ? `${JSON.stringify({ shell, script })}\n` : script)
    })

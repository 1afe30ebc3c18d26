/** @module */
import { Argument, Command } from 'commander'

import type { CommandEntry } from './commands.ts'
import type { CompletedCommand } from './completion_script.ts'
import { readSchema } from './project.ts'

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
      const { completedKeys, completionScripts } = await import('./completion_script.ts')
      const completed: CompletedCommand[] = []
      for (const [name, { summary, load }] of Object.entries(commands)) {
        const command = await load()
        completed.push({
          name,
          summary,
          configures: command.registeredArguments.some((argument) => argument.name() === 'config'),
          options: command.options.map((option) => ({
            flag: option.long!,
            meaning: option.description,
            takesValue: option.required,
            choices: option.argChoices ?? [],
          })),
        })
      }
      const script = completionScripts[shell](completed, completedKeys(readSchema()))
      process.stdout.write(json ? `${JSON.stringify({ shell, script })}\n` : script)
    })

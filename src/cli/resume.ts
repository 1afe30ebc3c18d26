/** @module */
import { Command } from 'commander'

/** `ortune resume <run> key=value …` */
export const resumeCommand = (): Command =>
  new Command('resume')
    .argument('<run>', "the run's folder")
    .argument('[changes...]', 'options that change from here on, such as max_steps=400 provider=cpu')
    .option(
      '--trust-reward',
      'accept the file of its reward function, or its reward model, where that has changed',
    )
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune resume runs/dictionary\n  ortune resume runs/dictionary max_steps=400   (a run that has ended, too)',
    )
    .action(
      async (
        folder: string,
        given: string[],
        { json, trustReward }: { json?: boolean; trustReward?: boolean },
      ) => {
        // Before anything that takes long to load: a run that another process trains is refused at once.
        const { checkFree } = await import('../formats/lock.ts')
        const { lockOf } = await import('../runs/run_lock.ts')
        await checkFree(lockOf(folder), folder)
        const { trainToEnd } = await import('./train_to_end.ts')
        const { readChanges } = await import('./config_file.ts')
        const { readRunConfig } = await import('../runs/run_config.ts')
        const changes = readChanges(given, await readRunConfig(folder))
        await trainToEnd(folder, { json, changes, trustReward })
      },
    )

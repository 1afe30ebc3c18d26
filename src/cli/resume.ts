/** @module */
import { Command } from 'commander'

interface ResumeFlags {
  readonly json?: boolean | undefined
  readonly trustReward?: boolean | undefined
}

/** Options change in the run of a stage, which knows what it can follow. */
async function resumeStages(folder: string, given: readonly string[], flags: ResumeFlags): Promise<void> {
  const { UserError } = await import('../errors.ts')
  const { stageRuns } = await import('../formats/curriculum.ts')
  const { resumeCurriculum } = await import('./train_curriculum.ts')
  if (given.length > 0)
    throw new UserError(
      `${folder} is a curriculum, whose stages have options of their own; change them in the run of the stage under way, "ortune resume ${(await stageRuns(folder)).at(-1)} ${given.join(' ')}", and resume the curriculum then`,
    )
  await resumeCurriculum(folder, flags)
}

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
    .action(async (folder: string, given: string[], { json, trustReward }: ResumeFlags) => {
      // Before anything that takes long to load: a run that another process trains is refused at once.
      const { checkFree } = await import('../formats/lock.ts')
      const { lockOf } = await import('../runs/run_lock.ts')
      await checkFree(lockOf(folder), folder)
      const { isCurriculum } = await import('../formats/curriculum.ts')
      if (await isCurriculum(folder)) return resumeStages(folder, given, { json, trustReward })
      const { trainToEnd } = await import('./train_to_end.ts')
      const { readChanges } = await import('./config_file.ts')
      const { readRunConfig } = await import('../runs/run_config.ts')
      const changes = readChanges(given, await readRunConfig(folder))
      await trainToEnd(folder, { json, changes, trustReward })
    })

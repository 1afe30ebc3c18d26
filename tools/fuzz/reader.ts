/**
 * The process that reads mutants; `fuzz.ts` starts it and watches.
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { UserError } from '../../src/errors.ts'
import type { Share, Told } from './fuzz.ts'
import { MOST_MEGABYTES, MOST_SECONDS, SPENT } from './fuzz.ts'
import { mutant } from './mutate.ts'
import type { Target } from './target.ts'
import { targets } from './targets.ts'

const tell = (told: Told): void => void process.send!(told)
const processorSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const peakMegabytes = (): number => process.resourceUsage().maxRSS / 1024

const [, , folder, share] = process.argv as [string, string, string, string]
const { target: name, seed, from, to } = JSON.parse(share) as Share
const target: Target = targets[name]
process.on('disconnect', () => process.exit())
console.warn = () => undefined

const samples = await target.samples(folder)
const file = join(folder, target.file)
mkdirSync(dirname(file), { recursive: true })

/** What goes wrong with a sound file would make every finding meaningless. */
for (const sample of samples) {
  writeFileSync(file, sample)
  await target.read(folder)
}

const before = peakMegabytes()
for (let number = from; number < to; number++) {
  tell({ next: number })
  writeFileSync(file, mutant(target, samples, seed, name, number))
  const began = processorSeconds()
  try {
    await target.read(folder)
  } catch (error) {
    if (!(error instanceof UserError)) tell({ wrong: error instanceof Error ? error.stack! : String(error) })
  }
  const seconds = processorSeconds() - began
  if (seconds > MOST_SECONDS) tell({ wrong: `takes ${seconds.toFixed(1)} s` })
  const taken = peakMegabytes() - before
  if (taken > MOST_MEGABYTES) {
    tell({ wrong: `takes ${Math.round(taken)} MB` })
    // The mark stays high, so the next mutants are for a new process.
    if (number + 1 < to) process.exit(SPENT)
  }
}
process.exit()

/**
 * What of a run's options was changed on its way, and after which step: a run that was resumed with others is not the one that its
 * configuration makes from the start. `changes.json` lies in a run where there is something to tell.
 * @module
 */
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

import { writeFileAtomic } from '../formats/atomic.ts'
import { exists, readJson } from '../formats/read_file.ts'
import { checkJson } from '../schema.ts'
import { CHANGEABLE } from './changeable.ts'
import type { RunConfig } from './config.ts'

/** Where and how fast it is computed: what is learned is the same, but for rounding. */
export const PLACE: readonly string[] = ['provider', 'threads', 'prepacking']

type Options = Readonly<Record<string, unknown>>

/** Those of the options that may change which a run's result depends on, wherever it is computed. */
export const changingOptions = (config: RunConfig): Options =>
  Object.fromEntries(CHANGEABLE.filter((key) => !PLACE.includes(key)).map((key) => [key, config[key]]))

const changeSchema = z.strictObject({
  /** The last step that was made without it. */
  after_step: z.int().min(0),
  /** The option's key, and its values before and since. */
  option: z.string(),
  from: z.unknown(),
  to: z.unknown(),
})

export type OptionChange = z.infer<typeof changeSchema>

/**
 * Compares a run's options with what they were, keeps what is new, and gives all changes that led to where the run stands. Those that
 * were made after a later step, which the run has gone back behind, are forgotten.
 *
 * @returns all of them, and those that were not kept before
 *
 * @param began the options that the run was made with; of a run of before, what is known of them
 * @param step that the run stands at
 */
export async function followChanges(
  run: string,
  began: Options,
  config: RunConfig,
  step: number,
): Promise<{ changes: OptionChange[]; news: OptionChange[] }> {
  const path = join(run, 'changes.json')
  const known = (await exists(path)) ? checkJson(z.array(changeSchema), await readJson(path), path) : []
  const earlier = known.filter(({ after_step }) => after_step < step)
  const before = { ...began, ...Object.fromEntries(earlier.map(({ option, to }) => [option, to])) }
  const others = CHANGEABLE.filter((option) => before[option] !== config[option])
  // What is changed before the first step has been so from the start.
  const now = others.map((option) => ({
    ...{ after_step: step, option, from: before[option], to: config[option] },
  }))
  const changes = step === 0 ? [] : [...earlier, ...now]
  if (!isDeepStrictEqual(changes, known)) await writeFileAtomic(path, `${JSON.stringify(changes, null, 2)}\n`)
  const isNew = (change: OptionChange) => !known.some((one) => isDeepStrictEqual(one, change))
  return { changes, news: changes.filter(isNew) }
}

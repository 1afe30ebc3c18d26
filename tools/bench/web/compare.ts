/**
 * A training step of ortune and one of jax-js in two tabs of one browser, which take turns.
 * @module
 */
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import { UserError } from '../../../src/errors.ts'
import { CHROMIUM, openTab, startBrowser } from '../../../test/browser/tab.ts'
import { median, WARMUP } from '../measure.ts'
import { SETTLE } from '../paced.ts'
import type * as steps from './step.ts'
import type { WebWorkload } from './workloads.ts'

/** How a side's steps went. */
export interface SideSteps {
  /** Median over the timed steps. */
  readonly seconds_per_step: number
  readonly all: readonly number[]
  readonly tokens_per_second: number
  /** Of each step, those before the timed ones too. */
  readonly losses: readonly number[]
}

export interface WebComparison {
  readonly name: string
  readonly ortune: SideSteps
  readonly jax: SideSteps
}

/** @throws UserError where there is no browser */
export function requireBrowser(): void {
  if (!existsSync(CHROMIUM))
    throw new UserError(
      `there is no Chromium at ${CHROMIUM}; install it, or name one in the variable CHROMIUM`,
    )
}

/** Losses of the same step may lie so far apart, as a part of the loss: sums are made in other orders. */
const SAME = 1e-4

/**
 * Times the steps of both sides.
 *
 * @throws where their losses differ: then they do not compute the same
 */
export async function compareSteps(
  { name, provider, shape }: WebWorkload,
  repeats: number,
): Promise<WebComparison> {
  const browser = await startBrowser()
  try {
    const open = async (side: steps.OpenStep['side']) => {
      const tab = await openTab(browser)
      await tab.ask<typeof steps.open>('worker', 'step', 'open', { side, provider, shape })
      return { tab, taken: [] as steps.TakenStep[] }
    }
    const sides = { ortune: await open('ortune'), jax: await open('jax') }
    for (let step = 1; step <= WARMUP + repeats; step++) {
      for (const { tab, taken } of Object.values(sides)) {
        taken.push(await tab.ask<typeof steps.step>('worker', 'step', 'step'))
        await pause(SETTLE)
      }
      const [ours, theirs] = [sides.ortune.taken.at(-1)!.loss, sides.jax.taken.at(-1)!.loss]
      if (!(Math.abs(ours / theirs - 1) <= SAME))
        throw new Error(`${name}, step ${step}: the loss of ortune is ${ours}, that of jax-js ${theirs}`)
    }
    const tokens = shape.batch * shape.length
    return {
      name,
      ortune: summary(sides.ortune.taken, tokens),
      jax: summary(sides.jax.taken, tokens),
    }
  } finally {
    await browser.close()
  }
}

function summary(taken: readonly steps.TakenStep[], tokens: number): SideSteps {
  const all = taken.slice(WARMUP).map(({ seconds }) => seconds)
  return {
    seconds_per_step: median(all),
    all,
    tokens_per_second: tokens / median(all),
    losses: taken.map(({ loss }) => loss),
  }
}

/**
 * Tests that Node and a tab share, under mocha in the tab.
 * @module
 */
import 'mocha/mocha.js'

import type { WebProvider } from '../../../src/runtime/web.ts'
import { openWebSession } from '../../../src/runtime/web.ts'
import { webRuntime } from '../../../src/runtime/web_runtime.ts'

/** The titles of tests that passed, and what failed. */
export interface Outcome {
  readonly passed: readonly string[]
  readonly failed: readonly string[]
}

const shared = {
  async state(provider: WebProvider) {
    const { itIsATrainingState } = await import('../../runtime/state_scenarios.ts')
    return () => itIsATrainingState(webRuntime({ provider }))
  },
  async session(provider: WebProvider) {
    const { itIsASession } = await import('../../runtime/session_scenarios.ts')
    return () =>
      itIsASession((model, options) => openWebSession(model, { ...options, provider }), {
        wide: provider === 'wasm',
      })
  },
}

export async function run({
  of,
  provider,
}: {
  of: keyof typeof shared
  provider: WebProvider
}): Promise<Outcome> {
  const passed: string[] = []
  const failed: string[] = []
  mocha.setup({ ui: 'bdd', timeout: 120_000, reporter: function () {} as never })
  const define = await shared[of](provider)
  describe(of, define)
  await new Promise<void>((resolve) => {
    mocha
      .run(() => resolve())
      .on('pass', (test) => passed.push(test.title))
      .on('fail', (test, error: Error) => failed.push(`${test.title}: ${error.message}`))
  })
  return { passed, failed }
}

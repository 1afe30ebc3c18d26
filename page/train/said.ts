/** What went wrong, in the section where it did. @module */
import { signal } from '@preact/signals'

import { UNFETCHED } from '../parts/unfetched.ts'

export type Section = 'page' | 'model' | 'examples' | 'thumbs' | 'reward' | 'learn' | 'compare' | 'kept'

export interface Said {
  readonly kind: 'info' | 'error'
  readonly text: string
  readonly remedy?: string
}

const none = () => signal<Said | undefined>(undefined)

export const said = {
  page: none(),
  model: none(),
  examples: none(),
  thumbs: none(),
  reward: none(),
  learn: none(),
  compare: none(),
  kept: none(),
}

/** As browsers say that what `import()` asks for was not to be had. */
const UNFETCHED_SCRIPT = /dynamically imported module|Importing a module script/i

/** A sentence that is the user's to act on is shown as it is; anything else is a fault of ours. */
export function sayError(error: unknown): Said {
  const { name = '', message = String(error) } = (error ?? {}) as Partial<Error>
  if (name === 'UserError') return { kind: 'error', text: sentence(message) }
  if (UNFETCHED_SCRIPT.test(message)) return { kind: 'error', ...UNFETCHED }
  return {
    kind: 'error',
    text: sentence(`this is a fault of ortune's: ${message}`),
    remedy: 'What was kept is safe; reload the page to go on.',
  }
}

/** Does something for a section; where it fails, the section says so. */
export async function attempt(section: Section, work: () => Promise<void>): Promise<boolean> {
  said[section].value = undefined
  try {
    await work()
    return true
  } catch (error) {
    said[section].value = sayError(error)
    return false
  }
}

/** As a sentence begins and ends; a name of a file or a key stays as it is. */
export function sentence(text: string): string {
  const begun = /^[a-z]+[ ,;:]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`
}

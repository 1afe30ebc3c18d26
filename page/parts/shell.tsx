/** @module */
import type { ComponentChildren, JSX } from 'preact'

import { ThemeSwitch } from './theme_switch.tsx'

interface ShellProps {
  /** In the header, between the name and the switch of themes. */
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}

/** The header and, below it, the page. */
export const Shell = ({ aside, children }: ShellProps): JSX.Element => (
  <div class="shell">
    <a class="skip" href="#main">
      To the content
    </a>
    <header class="head">
      <a class="brand" href="./">
        <Mark />
        ortune
      </a>
      <div class="row">
        {aside}
        <ThemeSwitch />
      </div>
    </header>
    <main id="main" tabIndex={-1} class="stack">
      {children}
    </main>
  </div>
)

/** A curve that comes down and ends well. */
const Mark = (): JSX.Element => (
  <svg viewBox="0 0 32 32" fill="none" aria-hidden="true">
    <rect class="mark-ground" width="32" height="32" rx="8" />
    <path class="mark-line" d="M7 9c3 0 4 13 9 13s4.500-4 9-4" stroke-width="3" stroke-linecap="round" />
    <circle class="mark-point" cx="25" cy="18" r="2.600" />
  </svg>
)

/** @module */
import type { ComponentChildren, JSX } from 'preact'

interface StatProps {
  readonly label: string
  readonly value: ComponentChildren
  /** Smaller, below: of what, since when. */
  readonly note?: ComponentChildren
}

/** One figure with its name; inside {@link Stats}. */
export const Stat = ({ label, value, note }: StatProps): JSX.Element => (
  <div class="stat">
    <dt>{label}</dt>
    <dd>
      {value}
      {note !== undefined && <div class="stat-note">{note}</div>}
    </dd>
  </div>
)

/** Figures beside one another. */
export const Stats = ({ children }: { readonly children: ComponentChildren }): JSX.Element => (
  <dl class="stats">{children}</dl>
)

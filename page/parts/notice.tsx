/** @module */
import type { ComponentChildren, JSX } from 'preact'

import { Icon } from './icons.tsx'

interface NoticeProps {
  readonly kind: 'info' | 'warn' | 'error'
  /** One sentence: what is so. */
  readonly children: ComponentChildren
  /** What to do about it. */
  readonly remedy?: ComponentChildren
}

const spoken = { info: 'Note', warn: 'Careful', error: 'Error' } as const

/** Something that one should know. An error interrupts those who listen, the others wait. */
export const Notice = ({ kind, children, remedy }: NoticeProps): JSX.Element => (
  <div class="notice" data-kind={kind} role={kind === 'error' ? 'alert' : 'status'}>
    <Icon name={kind} />
    <div class="notice-words">
      <span class="unseen">{spoken[kind]}: </span>
      {children}
      {remedy !== undefined && <div class="notice-remedy">{remedy}</div>}
    </div>
  </div>
)

/** @module */
import type { JSX } from 'preact'

import type { Damaged } from '../worker/workshop.ts'
import { Removal } from './removal.tsx'
import { sentence } from './said.ts'

interface DamagedItemProps extends Damaged {
  readonly what: string
  readonly remove: (name: string) => Promise<unknown>
}

/** What is kept and cannot be read, which can only be removed. */
export const DamagedItem = ({ name, damaged, what, remove }: DamagedItemProps): JSX.Element => (
  <li class="list-item">
    <div class="list-words">
      <strong>{name}</strong>
      <span class="quiet small">{sentence(damaged)}</span>
    </div>
    <div class="list-actions">
      <Removal what={`the ${what} ${name}`} remove={() => void remove(name)} />
    </div>
  </li>
)

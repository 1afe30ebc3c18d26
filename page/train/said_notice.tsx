/** @module */
import type { JSX } from 'preact'

import { Notice } from '../parts/notice.tsx'
import type { Section } from './said.ts'
import { said } from './said.ts'

/** What a section has to say, if anything. */
export function SaidNotice({ of }: { readonly of: Section }): JSX.Element | null {
  const { value } = said[of]
  return value ? (
    <Notice kind={value.kind} remedy={value.remedy}>
      {value.text}
    </Notice>
  ) : null
}

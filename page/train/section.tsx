/** @module */
import type { ComponentChildren, JSX } from 'preact'

import { Card } from '../parts/card.tsx'
import type { Section as SectionName } from './said.ts'
import { SaidNotice } from './said_notice.tsx'

interface SectionProps {
  readonly name: SectionName
  readonly title: string
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}

/** A card that can be jumped to, and says at its end what went wrong in it. */
export const Section = ({ name, title, aside, children }: SectionProps): JSX.Element => (
  <div id={name} class="section" data-section={name}>
    <Card title={title} aside={aside}>
      {children}
      <SaidNotice of={name} />
    </Card>
  </div>
)

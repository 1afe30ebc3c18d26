/** @module */
import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

interface CardProps {
  readonly title: string
  /** Beside the title, such as a button. */
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}

/** A part of the page with a heading, which names it for those who jump from part to part. */
export function Card({ title, aside, children }: CardProps): JSX.Element {
  const id = useId()
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}

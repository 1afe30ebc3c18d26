/** @module */
import type { ComponentProps, JSX } from 'preact'

interface Look {
  /** `main` is the one thing to do next, `plain` is a quiet one, `danger` takes something away. */
  readonly look?: 'main' | 'plain' | 'danger'
}

/** A button; all that `<button>` takes beside. It sends no form where its type does not say so. */
export const Button = ({
  look,
  type = 'button',
  ...rest
}: Omit<ComponentProps<'button'>, 'class'> & Look): JSX.Element => (
  <button {...rest} type={type} class="button" data-look={look} />
)

/** Small drawings in the colour of the text about them. @module */
import type { JSX } from 'preact'

const paths = {
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 8v5M12 8v.01',
  warn: 'M12 4 2.800 19.500h18.400L12 4Zm0 6v4.500M12 17v.01',
  error: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm-3 6 6 6m0-6-6 6',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v2m0 14v2M3 12h2m14 0h2M5.600 5.600 7 7m10 10 1.400 1.400m0-12.800L17 7M7 17l-1.400 1.400',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z',
  screen: 'M4 5h16v11H4zM9 20h6m-3-4v4',
} as const

export type IconName = keyof typeof paths

/** A drawing that says nothing to those who listen: words stand beside it. */
export const Icon = ({ name }: { readonly name: IconName }): JSX.Element => (
  <svg
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.800"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d={paths[name]} />
  </svg>
)

/** @module */

const SHOWN = 20

/** Classes as a sentence lists them. */
export function listClasses(classes: readonly string[]): string {
  const more = classes.length > SHOWN ? ` and ${classes.length - SHOWN} more` : ''
  return `${classes.slice(0, SHOWN).join(', ')}${more}`
}

/** @module */

/** The name of a run's folder without the digest that a sweep puts at its end. */
export const spoken = (name: string): string => name.replace(/-[0-9a-f]{12}$/, '')

/** @module */

/** Of a part of the page that is loaded when it is needed, where it cannot be. */
export const UNFETCHED = {
  text: 'A part of this page could not be fetched.',
  remedy: 'Is its server still running? Then try again.',
} as const

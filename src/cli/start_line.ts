/** @module */

/** Says what a run starts from, and what it does not take along. */
export const startLine = (checkpoint: string): string =>
  `starts from the trained tensors of ${checkpoint}; the optimizer and the schedule start afresh\n`

/** @module */

/** What frozen weights are kept in, as an option names it. */
export const BASES = ['fp32', 'fp16', 'bf16', 'int4'] as const
export type Base = (typeof BASES)[number]

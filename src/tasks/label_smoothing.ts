/** @module */
import { z } from 'zod'

/** @param over what ε is spread over */
export const labelSmoothing = (over: string) =>
  z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      `ε, the share of each label's weight that is spread over ${over} (Szegedy et al. 2015), in training; evaluations are without it. Left out: 0.`,
    )

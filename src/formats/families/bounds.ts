/**
 * What the configurations of all families are checked by.
 * @module
 */
import { z } from 'zod'

import { activationNames } from '../../../graphs/layers/activation.ts'
import { quote } from '../../quote.ts'

export const size = (largest: number) => z.int().min(1).max(largest)

/** What is said of a sound value of another model than those here; see `checkJson`. */
export const unsupported = (supported: string) => ({
  error: ({ input }: { readonly input?: unknown }): string =>
    `${quote(input)} is not supported by ortune, only ${supported} is; name another model`,
})

/** The activations of transformers that are known here. */
export const activation = (fallback: (typeof activationNames)[number]) =>
  z.enum(activationNames, unsupported(`one of ${activationNames.join(', ')}`)).default(fallback)

/** A probability of dropping numbers in training. */
export const dropout = z.number().min(0).lt(1).nullish()

/** Keys that change the computation in a way the graphs here do not follow, and the only value they may have. */
export const off = z.literal(false, unsupported('false')).optional()

/** @module */
import { z } from 'zod'

/** The smallest float32 with all of its digits, 2⁻¹²⁶: smaller ones are taken for 0. */
export const SMALLEST_FLOAT32 = 2 ** -126
/** The largest float32, (2 − 2⁻²³)·2¹²⁷. */
export const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127

/** A number above 0 that graphs compute with: one that is still above 0, and finite, as a float32. */
export const positiveFloat32 = () => z.number().min(SMALLEST_FLOAT32).max(LARGEST_FLOAT32)

/**
 * What graphs compute in, as configurations and manifests name it.
 * @module
 */
import type { FloatType } from '../../graphs/ir/dtype.ts'

export const PRECISIONS = ['fp32', 'fp16', 'bf16'] as const
export type Precision = (typeof PRECISIONS)[number]

const TYPES: Readonly<Record<Precision, FloatType>> = { fp32: 'float32', fp16: 'float16', bf16: 'bfloat16' }

/** The element type of it. */
export const precisionType = (precision: Precision = 'fp32'): FloatType => TYPES[precision]

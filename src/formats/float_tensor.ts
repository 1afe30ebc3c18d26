/** A tensor in memory: row-major float32. */
export interface FloatTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** The types of weights, as safetensors call them. */
export type FloatDtype = 'F32' | 'F16' | 'BF16'

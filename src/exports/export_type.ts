/**
 * The types that weights are exported in, and what is called by them.
 * @module
 */
import type { FloatDtype } from '../formats/safetensors.ts'

/** What weights are exported in; `INT4`: those of linear layers in 4 bits, embeddings in 8, as `base: int4` has them. */
export type ExportType = FloatDtype | 'INT4'

/** As configurations of models call them. */
export const NAMED_FLOATS: Readonly<Record<string, FloatDtype>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
}

/** As an option names the types, by transformers' names and those of `base`. */
export const EXPORT_TYPES: Readonly<Record<string, ExportType>> = {
  ...NAMED_FLOATS,
  ...{ fp32: 'F32', fp16: 'F16', bf16: 'BF16', int4: 'INT4' },
}

/** The type of the floats beside graphs of a type. */
export const floatsOf = (wanted: ExportType | undefined, base: FloatDtype): FloatDtype =>
  wanted === undefined || wanted === 'INT4' ? base : wanted

/** As transformers.js names a graph: `model.onnx`, or `model_q4.onnx` with weights of 4 bits, either computing in float32. */
export const graphNames = (type: ExportType | undefined) => {
  const [dtype, suffix] = type === 'INT4' ? (['q4', '_q4'] as const) : (['fp32', ''] as const)
  return {
    file: (name: string) => `${name}${suffix}.onnx`,
    weights: `model${suffix}.onnx_data`,
    dtype,
    /** What it reads beside the model's own configuration: which file to take, and that its weights are in one other. */
    config: { dtype, use_external_data_format: { [`model${suffix}.onnx`]: 1 } },
  }
}

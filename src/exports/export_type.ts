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

/** As an option names the types, by transformers' names, those of `base` and of transformers.js. */
export const EXPORT_TYPES: Readonly<Record<string, ExportType>> = {
  ...NAMED_FLOATS,
  ...{ fp32: 'F32', fp16: 'F16', bf16: 'BF16', int4: 'INT4', q4: 'INT4' },
}

/** The type of the floats beside graphs of a type. */
export const floatsOf = (wanted: ExportType | undefined, base: FloatDtype): FloatDtype =>
  wanted === undefined || wanted === 'INT4' ? base : wanted

/** What transformers.js calls types of weights, and puts behind the name of their file. */
const SUFFIXES = { fp32: '', fp16: '_fp16', q4: '_q4' } as const

/**
 * By what transformers.js finds a graph, the first being what it takes by itself. All compute in float32, so that one of float16 runs
 * on devices without arithmetic of 16 bits, where `fp16` is refused: it has both names.
 */
function dtypesOf(type: ExportType | undefined, floats: FloatDtype): readonly ['fp32' | 'q4', ...'fp16'[]] {
  if (type === 'INT4') return ['q4']
  return floats === 'F16' ? ['fp32', 'fp16'] : ['fp32']
}

/**
 * As transformers.js names graphs: `model.onnx`, `model_q4.onnx` with weights of 4 bits.
 *
 * @param floats the type of the floats beside it
 */
export const graphNames = (type: ExportType | undefined, floats: FloatDtype = 'F32') => {
  const dtypes = dtypesOf(type, floats)
  const [dtype] = dtypes
  const all = dtypes.map((each) => `model${SUFFIXES[each]}.onnx`)
  return {
    file: (name: string) => `${name}${SUFFIXES[dtype]}.onnx`,
    dtype,
    /** The names of the whole model's graph, each with that of its weights; the first is `file('model')`. */
    all: all.map((graph) => ({ graph, weights: `${graph}_data` })),
    /** What it reads beside the model's own configuration: which file to take, and that its weights are in one other. */
    config: { dtype, use_external_data_format: Object.fromEntries(all.map((graph) => [graph, 1])) },
  }
}

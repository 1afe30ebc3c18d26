/**
 * Letting ONNX graphs read a model's own weight file: external data is (file, offset, length), and so is a tensor in a
 * safetensors file. ONNX Runtime wants the file in the graph's folder and follows no symbolic links.
 * @module
 */
import type { DType } from '../../graphs/ir/dtype.ts'
import type { ExternalData } from '../../graphs/ir/graph.ts'
import { HALVES } from './half.ts'
import type { ModelFolder } from './model_files.ts'
import { BLOCK } from './quantise.ts'
import type { StoredScales, StoredTensor } from './weight_files.ts'

/** Each parameter's place in the file that the graphs call `location`, or in several that they call as it says. */
export function externalData(
  tensors: ModelFolder['tensors'],
  location: string | ((file: string) => string),
): Map<string, ExternalData> {
  const locationOf = typeof location === 'string' ? () => location : location
  const place = ({ file, offset, length, dtype, scales }: StoredTensor): ExternalData => {
    const known = DTYPES[dtype]
    return {
      ...{ location: locationOf(file), offset, length },
      ...(known ? { dtype: known } : {}),
      ...(scales ? { scales: { ...placeOf(scales), location: locationOf(file) } } : {}),
    }
  }
  const placeOf = ({ offset, length, shape, axis }: StoredScales) => ({
    offset,
    length,
    shape,
    axis,
    block: BLOCK,
  })
  return new Map([...tensors].map(([name, tensor]) => [name, place(tensor)]))
}

/** Whether graphs can read the weights as they are. */
export const readableInPlace = ({ tensors }: Pick<ModelFolder, 'tensors'>): boolean =>
  [...tensors.values()].every(({ dtype }) => dtype === 'F32' || dtype in DTYPES)

/** Types other than float32 that graphs read. */
const DTYPES: Readonly<Record<string, DType>> = { ...HALVES, INT4: 'int4', INT8: 'int8' }

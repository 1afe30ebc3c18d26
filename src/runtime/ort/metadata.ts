/**
 * What ONNX Runtime says of a model's inputs and outputs.
 * @module
 */
import type { HostType } from '../../../graphs/ir/dtype.ts'
import { onnxDataType } from '../../../graphs/ir/dtype.ts'
import type { Dim } from '../../../graphs/ir/shape.ts'
import { dataConstructor } from '../session.ts'
import type { Address, Library } from './library.ts'
import { textAt } from './library.ts'

/** Of a type that no array holds `dtype` is undefined; a dimension without a name is ''. */
interface Described {
  readonly dtype: HostType | undefined
  readonly dims: readonly Dim[]
}

/** The inputs or outputs of a session, in order. */
export function describeTensor(
  ort: Library,
  session: Address,
  side: 'Input' | 'Output',
): (Described & { readonly name: string })[] {
  const allocator = ort.made('GetAllocatorWithDefaultOptions')
  const count: [number] = [0]
  ort.call(`SessionGet${side}Count`, session, count)
  return Array.from({ length: Number(count[0]) }, (_, i) => {
    const at = ort.made(`SessionGet${side}Name`, session, i, allocator)
    const name = textAt(at)
    ort.call('AllocatorFree', allocator, at)
    const type = ort.made(`SessionGet${side}TypeInfo`, session, i)
    // Owned by the type; null where it is no tensor.
    const tensor = ort.made('CastTypeInfoToTensorInfo', type) as Address | null
    const described = tensor === null ? { dtype: undefined, dims: [] } : describe(ort, tensor)
    ort.plain('ReleaseTypeInfo', type)
    return { name, ...described }
  })
}

/** A tensor that has been computed. */
export function describeValue(ort: Library, value: Address): Described {
  const shape = ort.made('GetTensorTypeAndShape', value)
  const described = describe(ort, shape)
  ort.plain('ReleaseTensorTypeAndShapeInfo', shape)
  return described
}

const HOST_TYPES = Object.keys(dataConstructor) as HostType[]

function describe(ort: Library, shape: Address): Described {
  const [type, rank]: [[number], [number]] = [[0], [0]]
  ort.call('GetTensorElementType', shape, type)
  ort.call('GetDimensionsCount', shape, rank)
  const sizes = new BigInt64Array(Number(rank[0]))
  const names = new Array<string>(sizes.length).fill('')
  if (sizes.length > 0) {
    ort.call('GetDimensions', shape, sizes, sizes.length)
    ort.call('GetSymbolicDimensions', shape, names, sizes.length)
  }
  return {
    dtype: HOST_TYPES.find((dtype) => (onnxDataType[dtype] as number) === type[0]),
    dims: Array.from(sizes, (size, axis) => (size < 0n ? (names[axis] ?? '') : Number(size))),
  }
}

/**
 * What an .onnx file says about itself.
 * @module
 */
import { onnxDataType } from '../../graphs/ir/dtype.ts'
import type { ModelProto, TensorProto, ValueInfoProto } from '../../graphs/ir/onnx_pb.ts'
import { TensorProto_DataType } from '../../graphs/ir/onnx_pb.ts'
import { parseModel } from '../../graphs/ir/parse_model.ts'
import { UserError } from '../errors.ts'

export interface TensorSummary {
  readonly name: string
  readonly dtype: string
  /** Numbers, names of symbolic dimensions, `?` where the file does not say. */
  readonly shape: readonly (number | string)[]
  /** What it means, where the file says it. */
  readonly doc?: string
}

export interface OnnxSummary {
  /** What it computes, where the file says it. */
  readonly doc?: string
  readonly inputs: readonly TensorSummary[]
  readonly outputs: readonly TensorSummary[]
  /** Operator type to the number of its nodes, most frequent first. */
  readonly operators: Readonly<Record<string, number>>
  /** The tensors that are stored with the graph or beside it. */
  readonly initializers: readonly TensorSummary[]
}

/**
 * Summarises the bytes of an .onnx file.
 *
 * @param where what errors call the file
 * @throws UserError where they are no ONNX model
 */
export function summariseOnnx(bytes: Uint8Array, where: string): OnnxSummary {
  const graph = parse(bytes, where)
  const counts = new Map<string, number>()
  for (const { opType } of graph.node) counts.set(opType, (counts.get(opType) ?? 0) + 1)
  return {
    ...(graph.docString ? { doc: graph.docString } : {}),
    inputs: graph.input.map(describeValue),
    outputs: graph.output.map(describeValue),
    operators: Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    initializers: graph.initializer.map(describeTensor),
  }
}

function parse(bytes: Uint8Array, where: string): NonNullable<ModelProto['graph']> {
  let graph: ModelProto['graph']
  try {
    graph = parseModel(bytes).graph
  } catch {
    graph = undefined
  }
  if (!graph) throw new UserError(`${where} is no ONNX model; name an .onnx file or the folder of one`)
  return graph
}

function describeValue({ name, type, docString }: ValueInfoProto): TensorSummary {
  const tensor = type?.tensorType
  const shape = tensor?.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return Number(value.value)
    return value.case === 'dimParam' ? value.value : '?'
  })
  return {
    name,
    dtype: dtypeName(tensor?.elemType ?? 0),
    shape: shape ?? ['?'],
    ...(docString ? { doc: docString } : {}),
  }
}

const describeTensor = ({ name, dataType, dims }: TensorProto): TensorSummary => ({
  name,
  dtype: dtypeName(dataType),
  shape: dims.map(Number),
})

/** Our name of an element type, or ONNX's in small letters. */
function dtypeName(type: number): string {
  const known = Object.entries(onnxDataType).find(([, number]) => Number(number) === type)
  return known ? known[0] : (TensorProto_DataType[type] ?? `type ${type}`).toLowerCase()
}

/**
 * Writes a graph as an ONNX model. Nodes that lead to no output are left out.
 * @module
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { onnxDataType } from './dtype.ts'
import type { Attribute, Graph, Initializer, Node, Value } from './graph.ts'
import type { AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from './onnx_pb.ts'
import { widenPerUse } from './widen_per_use.ts'
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './onnx_pb.ts'

/** Operator set 20 (the first with Gelu) and the IR version that belongs to it: any ONNX Runtime from 1.17 on. */
export const OPSET = 20
const IR_VERSION = 9

/** The first operator set that dequantizes by blocks, with int4, and its IR version: ONNX Runtime from 1.20 on. */
const BLOCKS = { opset: 21, ir: 10 }

/** The operator set of a graph. */
export const opsetOf = (graph: Graph): number => versions(liveNodes(graph)).opset

const versions = (nodes: readonly Node[]) =>
  nodes.some(({ operator }) => operator.name === 'DequantizeLinear')
    ? BLOCKS
    : { opset: OPSET, ir: IR_VERSION }

/** Encodes the graph as the bytes of an .onnx file. `metadata` goes into the model's metadata properties. */
export function serialize(graph: Graph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return toBinary(ModelProtoSchema, toModel(graph, metadata))
}

/** Decodes the bytes of an .onnx file. Throws where they are no protobuf message. */
export const parseModel = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes)

/** The nodes that some output depends on, in order. */
export function liveNodes(graph: Graph): Node[] {
  const needed = new Set<Value>(graph.outputs.values())
  const live: Node[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue
    live.push(node)
    for (const input of node.inputs) needed.add(input)
  }
  return live.reverse()
}

function toModel(graph: Graph, metadata: Readonly<Record<string, string>>): ModelProto {
  const isInput = ({ overridable }: Initializer): boolean => overridable && !graph.widensOnce
  const { nodes, constants } = widenPerUse(liveNodes(graph), graph.initializers, isInput)
  const used = new Set<Value>([...nodes.flatMap((node) => node.inputs), ...graph.outputs.values()])
  const names = outputNames(graph)
  const nameOf = (value: Value): string => names.get(value) ?? value.name
  const nodeProtos = nodes.map((node) => toNode(node, nameOf, used))
  const initializers = [...graph.initializers, ...constants].filter(({ value }) => used.has(value))
  const defaults = initializers.filter(isInput).map(({ value }) => value)
  for (const [name, value] of graph.outputs) {
    if (names.get(value) === name) continue
    nodeProtos.push(
      create(NodeProtoSchema, {
        opType: 'Identity',
        name: `output/${name}`,
        input: [nameOf(value)],
        output: [name],
      }),
    )
  }
  const { opset, ir } = versions(nodes)
  return create(ModelProtoSchema, {
    irVersion: BigInt(ir),
    producerName: 'ortune',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: graph.name,
      docString: graph.doc,
      node: nodeProtos,
      initializer: initializers.map(toTensor),
      input: [...graph.inputs, ...defaults].map((value) => toValueInfo(value.name, value, graph)),
      output: [...graph.outputs].map(([name, value]) => toValueInfo(name, value, graph)),
    },
  })
}

/** The first name under which a computed value is given out becomes its name; other names need an Identity. */
function outputNames(graph: Graph): Map<Value, string> {
  const names = new Map<Value, string>()
  for (const [name, value] of graph.outputs) {
    if (graph.producers.has(value) && !names.has(value)) names.set(value, name)
  }
  return names
}

function toNode(node: Node, nameOf: (value: Value) => string, used: ReadonlySet<Value>): NodeProto {
  const { optionalOutputs = false, unwritten = [], floats = [] } = node.operator
  const outputs = node.outputs.map((output) => (used.has(output) || !optionalOutputs ? nameOf(output) : ''))
  while (outputs.length > 1 && outputs.at(-1) === '') outputs.pop()
  return create(NodeProtoSchema, {
    opType: node.operator.name,
    name: node.name,
    input: node.inputs.map(nameOf),
    output: outputs,
    attribute: Object.entries(node.attributes)
      .filter(([name]) => !unwritten.includes(name))
      .map(([name, value]) => toAttribute(name, value, floats.includes(name))),
  })
}

function toAttribute(name: string, value: Attribute, isFloat: boolean): AttributeProto {
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    })
  }
  if (typeof value !== 'number') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.INTS,
      ints: value.map((entry) => BigInt(entry)),
    })
  }
  return isFloat
    ? create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value })
    : create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
}

function toTensor({ value, data }: Initializer): TensorProto {
  const tensor = {
    name: value.name,
    dataType: onnxDataType[value.dtype],
    dims: value.shape.map((dim) => BigInt(dim)),
  }
  if (data instanceof Uint8Array) return create(TensorProtoSchema, { ...tensor, rawData: data })
  return create(TensorProtoSchema, {
    ...tensor,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: 'location', value: data.location },
      { key: 'offset', value: String(data.offset) },
      { key: 'length', value: String(data.length) },
    ],
  })
}

function toValueInfo(name: string, value: Value, { docs }: Graph): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    docString: docs.get(name) ?? '',
    type: {
      tensorType: {
        elemType: onnxDataType[value.dtype],
        shape: {
          dim: value.shape.map((dim) => ({
            value:
              typeof dim === 'number'
                ? { case: 'dimValue' as const, value: BigInt(dim) }
                : { case: 'dimParam' as const, value: dim },
          })),
        },
      },
    },
  })
}

/**
 * Writes a graph as an ONNX model. Nodes that lead to no output are left out.
 * @module
 */
import { onnxDataType } from './dtype.ts'
import type { Attribute, Graph, Initializer, Node, Value } from './graph.ts'
import type {
  AttributeMessage,
  ModelMessage,
  NodeMessage,
  TensorMessage,
  ValueInfoMessage,
} from './onnx_writer.ts'
import { attributeTypes, EXTERNAL, writeModel } from './onnx_writer.ts'
import { widenPerUse } from './widen_per_use.ts'

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
  return writeModel(toModel(graph, metadata))
}

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

function toModel(graph: Graph, metadata: Readonly<Record<string, string>>): ModelMessage {
  const isInput = ({ overridable }: Initializer): boolean => overridable && !graph.widensOnce
  const { nodes, constants } = widenPerUse(liveNodes(graph), graph.initializers, isInput)
  const used = new Set<Value>([...nodes.flatMap((node) => node.inputs), ...graph.outputs.values()])
  const names = outputNames(graph)
  const nameOf = (value: Value): string => names.get(value) ?? value.name
  const written = nodes.map((node) => toNode(node, nameOf, used))
  const initializers = [...graph.initializers, ...constants].filter(({ value }) => used.has(value))
  const defaults = initializers.filter(isInput).map(({ value }) => value)
  for (const [name, value] of graph.outputs) {
    if (names.get(value) === name) continue
    written.push({ opType: 'Identity', name: `output/${name}`, input: [nameOf(value)], output: [name] })
  }
  const { opset, ir } = versions(nodes)
  return {
    irVersion: ir,
    producerName: 'ortune',
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: graph.name,
      docString: graph.doc,
      node: written,
      initializer: initializers.map(toTensor),
      input: [...graph.inputs, ...defaults].map((value) => toValueInfo(value.name, value, graph)),
      output: [...graph.outputs].map(([name, value]) => toValueInfo(name, value, graph)),
    },
  }
}

/** The first name under which a computed value is given out becomes its name; other names need an Identity. */
function outputNames(graph: Graph): Map<Value, string> {
  const names = new Map<Value, string>()
  for (const [name, value] of graph.outputs) {
    if (graph.producers.has(value) && !names.has(value)) names.set(value, name)
  }
  return names
}

function toNode(node: Node, nameOf: (value: Value) => string, used: ReadonlySet<Value>): NodeMessage {
  const { optionalOutputs = false, unwritten = [], floats = [] } = node.operator
  const outputs = node.outputs.map((output) => (used.has(output) || !optionalOutputs ? nameOf(output) : ''))
  while (outputs.length > 1 && outputs.at(-1) === '') outputs.pop()
  return {
    opType: node.operator.name,
    name: node.name,
    input: node.inputs.map(nameOf),
    output: outputs,
    attribute: Object.entries(node.attributes)
      .filter(([name]) => !unwritten.includes(name))
      .map(([name, value]) => toAttribute(name, value, floats.includes(name))),
  }
}

function toAttribute(name: string, value: Attribute, isFloat: boolean): AttributeMessage {
  if (typeof value === 'string')
    return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) }
  if (typeof value !== 'number') return { name, type: attributeTypes.ints, ints: value.map(Number) }
  return isFloat
    ? { name, type: attributeTypes.float, f: value }
    : { name, type: attributeTypes.int, i: value }
}

function toTensor({ value, data }: Initializer): TensorMessage {
  const tensor = { name: value.name, dataType: onnxDataType[value.dtype], dims: value.shape.map(Number) }
  if (data instanceof Uint8Array) return { ...tensor, rawData: data }
  return {
    ...tensor,
    dataLocation: EXTERNAL,
    externalData: [
      { key: 'location', value: data.location },
      { key: 'offset', value: String(data.offset) },
      { key: 'length', value: String(data.length) },
    ],
  }
}

function toValueInfo(name: string, value: Value, { docs }: Graph): ValueInfoMessage {
  return {
    name,
    docString: docs.get(name) ?? '',
    type: {
      tensorType: {
        elemType: onnxDataType[value.dtype],
        shape: {
          dim: value.shape.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })),
        },
      },
    },
  }
}

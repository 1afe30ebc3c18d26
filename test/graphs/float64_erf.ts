/**
 * Erf for float64, which ONNX Runtime's CPU provider has for float32 only ("Could not find an implementation for
 * Erf(13)"). So that graphs with Erf can be checked in float64 all the same, the node is replaced by a series without
 * cancellation (Abramowitz, Stegun, 7.1.6): erf x = 2/√π·e^(−x²)·Σ 2ⁿ·x²ⁿ⁺¹ / (1·3·5·…·(2n + 1)).
 * @module
 */
import { create, toBinary } from '@bufbuild/protobuf'

import { onnxDataType } from '../../graphs/ir/dtype.ts'
import type { NodeProto } from '../../graphs/ir/onnx_pb.ts'
import { ModelProtoSchema, NodeProtoSchema, TensorProtoSchema } from '../../graphs/ir/onnx_pb.ts'
import { parseModel } from '../../graphs/ir/parse_model.ts'

/** Terms of the series, enough for |x| ≤ 4. */
const TERMS = 80

/** cₙ of erf x = x·e^(−x²)·Σ cₙ·x²ⁿ. */
const coefficients = ((): number[] => {
  let c = 2 / Math.sqrt(Math.PI)
  return Array.from({ length: TERMS }, (_, n) => (n === 0 ? c : (c *= 2 / (2 * n + 1))))
})()

/** erf x for |x| ≤ 4. */
export const erf = (x: number): number =>
  x * Math.exp(-x * x) * coefficients.reduceRight((sum, c) => sum * (x * x) + c, 0)

/** The model with every Erf node as a chain of float64 nodes; the same bytes where it has none. */
export function withFloat64Erf(bytes: Uint8Array): Uint8Array {
  const model = parseModel(bytes)
  const graph = model.graph!
  if (!graph.node.some(({ opType }) => opType === 'Erf')) return bytes
  coefficients.forEach((value, n) => {
    const rawData = new Uint8Array(Float64Array.of(value).buffer)
    graph.initializer.push(
      create(TensorProtoSchema, { name: `erf/c${n}`, dataType: onnxDataType.float64, rawData }),
    )
  })
  graph.node = graph.node.flatMap((node) => (node.opType === 'Erf' ? series(node) : [node]))
  return toBinary(ModelProtoSchema, model)
}

/** Horner's scheme in x². */
function series({ name, input: [x], output: [y] }: NodeProto): NodeProto[] {
  const nodes: NodeProto[] = []
  const emit = (opType: string, input: string[], output = `${name}/${nodes.length}`): string => {
    nodes.push(create(NodeProtoSchema, { opType, name: output, input, output: [output] }))
    return output
  }
  const square = emit('Mul', [x!, x!])
  let sum = `erf/c${TERMS - 1}`
  for (let n = TERMS - 2; n >= 0; n--) sum = emit('Add', [emit('Mul', [sum, square]), `erf/c${n}`])
  emit('Mul', [emit('Mul', [x!, emit('Exp', [emit('Neg', [square])])]), sum], y)
  return nodes
}

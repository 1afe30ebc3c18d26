import { toBinary } from '@bufbuild/protobuf'
import { expect } from 'chai'

import { onnxDataType } from '../../../graphs/ir/dtype.ts'
import { Graph } from '../../../graphs/ir/graph.ts'
import { narrow } from '../../../graphs/ir/half.ts'
import {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation,
} from '../../../graphs/ir/onnx_pb.ts'
import type { Operator } from '../../../graphs/ir/operator.ts'
import { parseModel } from '../../../graphs/ir/parse_model.ts'
import { OPSET, liveNodes, serialize } from '../../../graphs/ir/serialize.ts'
import {
  add,
  cast,
  exp,
  gather,
  gemm,
  layerNormalization,
  mul,
  scatterAddRows,
  split,
} from '../../../graphs/ops/index.ts'
import { openNodeSession } from '../../../src/runtime/node.ts'
import type { HostTensor } from '../../../src/runtime/session.ts'

const operatorsOf = (graph: Graph) => parseModel(serialize(graph)).graph!.node.map(({ opType }) => opType)

const vector = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
})

async function run(graph: Graph, feeds: Record<string, HostTensor>) {
  const session = await openNodeSession(serialize(graph))
  const outputs = await session.run(feeds)
  await session.release()
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]))
}

describe('serialize', () => {
  it('writes names, types, symbolic dimensions, constants and attributes that parseModel reads back', () => {
    const graph = new Graph('everything')
    const a = graph.input('a', 'float32', [3, 'rows'])
    const ids = graph.input('ids', 'int64', ['picked'])
    const w = graph.initializer('w', 'float32', [3, 2], { location: 'w.safetensors', offset: 80, length: 24 })
    const product = gemm(a, w, { transA: true })
    const norm = layerNormalization(
      product,
      graph.constant([1, 2], 'float32'),
      graph.constant([0, 0], 'float32'),
      0.5,
    )
    const target = graph.constant([0, 0, 0, 0], 'float32', [2, 2])
    graph.output('norm', norm)
    graph.output('sums', scatterAddRows(target, ids, graph.input('rows', 'float32', ['picked', 2])))
    const bytes = serialize(graph, { task: 'test' })
    const model = parseModel(bytes)

    expect(Buffer.compare(toBinary(ModelProtoSchema, model), bytes)).to.equal(0)
    expect(serialize(graph, { task: 'test' })).to.deep.equal(bytes)
    expect([
      model.irVersion,
      model.opsetImport.map(({ domain, version }) => [domain, version]),
    ]).to.deep.equal([9n, [['', BigInt(OPSET)]]])
    expect(model.metadataProps.map(({ key, value }) => [key, value])).to.deep.equal([['task', 'test']])

    const written = model.graph!
    expect(written.input.map(({ name }) => name)).to.deep.equal(['a', 'ids', 'rows'])
    expect(written.output.map(({ name }) => name)).to.deep.equal(['norm', 'sums'])
    const { elemType, shape } = written.input[0]!.type!.tensorType!
    expect(elemType).to.equal(onnxDataType.float32)
    expect(shape!.dim.map(({ value }) => value.value)).to.deep.equal([3n, 'rows'])

    const stored = written.initializer.find(({ name }) => name === 'w')!
    expect(stored.dataLocation).to.equal(TensorProto_DataLocation.EXTERNAL)
    expect(Object.fromEntries(stored.externalData.map(({ key, value }) => [key, value]))).to.deep.equal({
      location: 'w.safetensors',
      offset: '80',
      length: '24',
    })
    const attributes = (opType: string) =>
      written.node
        .filter((node) => node.opType === opType)
        .flatMap(({ attribute }) =>
          attribute.map(({ name, i, f, s }) => [name, Number(i), f, new TextDecoder().decode(s)]),
        )
    expect(attributes('Gemm')).to.deep.equal([['transA', 1, 0, '']])
    expect(attributes('LayerNormalization')).to.deep.equal([
      ['axis', -1, 0, ''],
      ['epsilon', 0, 0.5, ''],
    ])
    expect(attributes('ScatterElements')).to.deep.equal([
      ['axis', 0, 0, ''],
      ['reduction', 0, 0, 'add'],
    ])
    expect(attributes('Reshape'), 'what is only known while building').to.deep.equal([])
  })

  it('widens weights of 16 bits for one use at a time, and asks nobody to feed them', async () => {
    const graph = new Graph('narrow')
    const x = graph.input('x', 'float32', ['rows', 2])
    const bits = new Uint8Array(narrow(Float32Array.of(1, 2, 3, 4), 'bfloat16').buffer)
    const w = cast(graph.initializer('w', 'bfloat16', [2, 2], bits, { overridable: true }), 'float32')
    const h = gemm(x, w)
    graph.output('y', gemm(h, w, { transB: true }))
    graph.output('rows', gather(w, graph.input('ids', 'int64', ['picked'])))
    const written = parseModel(serialize(graph)).graph!
    expect(written.input.map(({ name }) => name)).to.deep.equal(['x', 'ids', 'w'])
    // Twice the whole, for two products, and once the rows.
    expect(operatorsOf(graph).filter((name) => name === 'Cast')).to.have.length(3)

    const session = await openNodeSession(serialize(graph))
    expect(session.inputNames).to.deep.equal(['x', 'ids'])
    const ids: HostTensor = { dtype: 'int64', dims: [1], data: BigInt64Array.of(1n) }
    const { y, rows } = await session.run({ x: { ...vector(1, 1), dims: [1, 2] }, ids })
    await session.release()
    // [1 1]·W = [4 6], ·Wᵀ = [16 36]
    expect([...y!.data, ...rows!.data]).to.deep.equal([16, 36, 3, 4])

    graph.widensOnce = true
    expect(parseModel(serialize(graph)).graph!.input.map(({ name }) => name)).to.deep.equal(['x', 'ids'])
    expect(operatorsOf(graph)).to.not.include('Reshape')
  })

  it('writes those numbers as floats that the operator says are, whole ones too', () => {
    const operator = (name: string, floats?: readonly string[]): Operator => ({
      name,
      ...(floats ? { floats } : {}),
      infer: ({ inputs: [x] }) => [x!],
      gradient: 'not differentiable',
    })
    const graph = new Graph('attributes')
    const x = graph.input('x', 'float32', ['n'])
    const attributes = { alpha: 2, axis: 1 }
    graph.output('elu', graph.add(operator('Elu', ['alpha']), [x], attributes)[0]!)
    graph.output('other', graph.add(operator('Other'), [x], attributes)[0]!)
    const written = parseModel(serialize(graph)).graph!.node.map(({ attribute }) =>
      attribute.map(({ name, type, f, i }) => [name, type, f, i]),
    )
    const { FLOAT, INT } = AttributeProto_AttributeType
    expect(written).to.deep.equal([
      [
        ['alpha', FLOAT, 2, 0n],
        ['axis', INT, 0, 1n],
      ],
      [
        ['alpha', INT, 0, 2n],
        ['axis', INT, 0, 1n],
      ],
    ])
  })

  it('leaves out nodes and constants that lead to no output, and keeps all inputs', () => {
    const graph = new Graph('dead')
    const x = graph.input('x', 'float32', ['n'])
    graph.input('unused', 'float32', [])
    graph.output('y', exp(x))
    mul(exp(x), 2)
    const written = parseModel(serialize(graph)).graph!
    expect(written.node.map(({ opType }) => opType)).to.deep.equal(['Exp'])
    expect(liveNodes(graph).length).to.equal(1)
    expect(written.initializer).to.be.empty
    expect(written.input.map(({ name }) => name)).to.deep.equal(['x', 'unused'])
  })

  it('gives one value out under several names, and inputs and constants as they are', async () => {
    const graph = new Graph('names')
    const x = graph.input('x', 'float32', ['n'])
    const sum = add(x, x)
    graph.output('first', sum)
    graph.output('second', sum)
    graph.output('same', x)
    graph.output('constant', graph.constant([7], 'float32'))
    graph.output('square', mul(sum, sum))
    expect(await run(graph, { x: vector(1, 2) })).to.deep.equal({
      first: [2, 4],
      second: [2, 4],
      same: [1, 2],
      constant: [7],
      square: [4, 16],
    })
    expect(operatorsOf(graph).filter((name) => name === 'Identity').length).to.equal(3)
  })

  it('keeps the parts of a Split that nobody uses', async () => {
    for (const wanted of [0, 1, 2]) {
      const graph = new Graph('split')
      graph.output('part', split(graph.input('x', 'float32', [6]), 0, [1, 2, 3])[wanted]!)
      const parts = [[1], [2, 3], [4, 5, 6]]
      expect(await run(graph, { x: vector(1, 2, 3, 4, 5, 6) })).to.deep.equal({ part: parts[wanted] })
    }
  })

  it('leaves out statistics of a layer norm that no gradient uses', () => {
    const graph = new Graph('norm')
    const weight = graph.constant([1, 1], 'float32')
    graph.output('y', layerNormalization(graph.input('x', 'float32', ['n', 2]), weight, weight, 1e-5))
    expect(parseModel(serialize(graph)).graph!.node[0]!.output).to.deep.equal(['y'])
  })

  it('throws on bytes that are no model', () => {
    expect(() => parseModel(Uint8Array.of(255, 255, 255, 255))).to.throw()
  })
})

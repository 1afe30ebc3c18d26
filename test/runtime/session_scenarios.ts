import { expect } from 'chai'
import { UserError } from '../../src/errors.ts'
import type { HostTensor, Session, SessionOptions } from '../../src/runtime/session.ts'
import { arithmetic, everyDType, squares, withExternalWeight } from './models.ts'

const floats = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
})
const float64 = (...values: number[]): HostTensor => ({
  dtype: 'float64',
  dims: [values.length],
  data: Float64Array.from(values),
})
/** By their bits. */
const float16 = (...bits: number[]): HostTensor => ({
  dtype: 'float16',
  dims: [bits.length],
  data: Uint16Array.from(bits),
})
const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail('should have been rejected'),
    (error: Error) => error,
  )

/**
 * What a session does, whatever runtime has opened it.
 *
 * @param wide whether it computes in 64 bits
 */
export function itIsASession(
  open: (model: Uint8Array, options?: SessionOptions) => Promise<Session>,
  { wide = true } = {},
): void {
  const sessions: Session[] = []
  const opened = async (model: Uint8Array, options?: SessionOptions) => {
    const session = await open(model, options)
    sessions.push(session)
    return session
  }
  afterEach(() => Promise.all(sessions.splice(0).map((session) => session.release())))

  it('runs a graph and names its inputs and outputs', async () => {
    const session = await opened(arithmetic())
    expect(session.inputNames).to.deep.equal(['a', 'b'])
    expect(session.outputNames).to.deep.equal(['sum', 'product', 'larger'])
    const results = await session.run({ a: floats(1, 2, 3), b: floats(3, 2, 1) })
    expect(results).to.deep.equal({
      sum: floats(4, 4, 4),
      product: floats(3, 4, 3),
      larger: { dtype: 'bool', dims: [3], data: Uint8Array.of(0, 0, 1) },
    })
  })

  it('carries every element type', async () => {
    const large = wide ? 2n ** 60n : 2n ** 29n
    const session = await opened(everyDType({ wide }))
    const results = await session.run({
      mask: { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
      float32: floats(1.5, 2.5),
      ...(wide ? { float64: float64(0.1, 1e300) } : {}),
      float16: float16(0x3c00, 0xfbff),
      int32: { dtype: 'int32', dims: [2], data: Int32Array.of(-7, 2 ** 30 - 1) },
      int64: { dtype: 'int64', dims: [2], data: BigInt64Array.of(-7n, large) },
    })
    expect(results).to.deep.equal({
      float32_out: floats(1.5, -2.5),
      ...(wide ? { float64_out: float64(0.1, -1e300) } : {}),
      float16_out: float16(0x3c00, 0xfbff),
      int32_out: { dtype: 'int32', dims: [2], data: Int32Array.of(-14, 2 ** 31 - 2) },
      int64_out: { dtype: 'int64', dims: [2], data: BigInt64Array.of(-14n, 2n * large) },
      mask_out: { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
    })
  })

  it('computes only the outputs asked for', async () => {
    const session = await opened(arithmetic())
    const results = await session.run({ a: floats(1), b: floats(2) }, { outputs: ['product'] })
    expect(results).to.deep.equal({ product: floats(2) })
  })

  it('takes empty tensors', async () => {
    const session = await opened(arithmetic())
    const { sum } = await session.run({ a: floats(), b: floats() })
    expect(sum).to.deep.equal(floats())
  })

  it('reads from and writes to views on WebAssembly memory', async () => {
    const session = await opened(squares())
    const { buffer } = new WebAssembly.Memory({ initial: 1 })
    const x = new Float32Array(buffer, 64, 5).fill(3)
    const gradient = new Float32Array(buffer, 1028, 5)
    const into = { x_grad: { dtype: 'float32', dims: [5], data: gradient } } as const
    const results = await session.run({ x: { dtype: 'float32', dims: [5], data: x } }, { into })
    expect(results.x_grad).to.equal(into.x_grad)
    expect([...gradient]).to.deep.equal([6, 6, 6, 6, 6])
    expect(new Float32Array(buffer, 1028, 6)[5]).to.equal(0)
    expect(results.loss).to.deep.equal({ dtype: 'float32', dims: [], data: Float32Array.of(45) })
  })

  it('writes some outputs into given tensors and makes the others', async () => {
    const session = await opened(arithmetic())
    const into = { product: floats(0, 0) }
    const results = await session.run({ a: floats(1, 2), b: floats(5, 6) }, { into })
    expect(results.product).to.equal(into.product)
    expect(results).to.deep.equal({
      sum: floats(6, 8),
      product: floats(5, 12),
      larger: { dtype: 'bool', dims: [2], data: Uint8Array.of(0, 0) },
    })
  })

  it('refuses an output tensor of other dims', async () => {
    const session = await opened(squares(), { name: 'squares.onnx' })
    const run = session.run({ x: floats(1, 2) }, { into: { x_grad: floats(0, 0, 0) } })
    expect((await rejection(run)).message).to.match(/^squares\.onnx: .*x_grad/)
  })

  it('takes external data from memory', async () => {
    const { model, weights } = withExternalWeight()
    const session = await opened(model, { externalData: [{ path: 'weights.bin', data: weights }] })
    expect((await session.run({ x: floats(1, 2, 3) })).y).to.deep.equal(floats(11, 22, 33))
  })

  it('names what is wrong with a run', async () => {
    const session = await opened(arithmetic(), { name: 'm.onnx' })
    const a = floats(1, 2)
    const message = async (...[feeds, options]: Parameters<Session['run']>) =>
      (await rejection(session.run(feeds, options))).message
    expect(await message({ a })).to.equal('m.onnx: not fed: b')
    expect(await message({ a, b: a, c: a })).to.equal('m.onnx has no input named c')
    expect(await message({ a, b: { dtype: 'int32', dims: [2], data: Int32Array.of(1, 2) } })).to.equal(
      'm.onnx: input b wants float32, got int32',
    )
    expect(await message({ a, b: { ...a, dtype: 'int64' } })).to.equal(
      'm.onnx: input b is int64, which BigInt64Array holds, but its data is Float32Array',
    )
    expect(await message({ a, b: { ...a, dims: [3] } })).to.equal(
      'm.onnx: input b has dims [3], 3 elements, but its data has 2',
    )
    expect(await message({ a, b: a }, { outputs: ['difference'] })).to.equal(
      'm.onnx has no output named difference',
    )
    expect(await message({ a, b: a }, { outputs: ['sum'], into: { product: a } })).to.equal(
      'm.onnx: product is not among the outputs of this run',
    )
  })

  it('reports an operator that fails in one line with the model', async () => {
    const session = await opened(arithmetic(), { name: 'm.onnx' })
    const { message } = await rejection(session.run({ a: floats(1, 2), b: floats(1, 2, 3) }))
    expect(message).to.match(/^m\.onnx: the run failed: [^\n]* (2 by 3|LeftShape: \{2\}, RightShape: \{3\})$/)
  })

  it('refuses bytes that are no model', async () => {
    for (const bytes of [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      arithmetic().subarray(0, 60),
      new TextEncoder().encode('# not a model\n'),
    ]) {
      const error = await rejection(opened(bytes, { name: 'broken.onnx' }))
      expect(error).to.be.instanceOf(UserError)
      expect(error.message).to.match(/^broken\.onnx cannot be opened by ONNX Runtime: [^\n]+$/)
    }
  })

  it('does not run after its release', async () => {
    const session = await open(arithmetic())
    await session.release()
    expect(await rejection(session.run({ a: floats(1), b: floats(2) }))).to.be.instanceOf(Error)
  })
}

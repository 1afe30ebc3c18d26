/** @module */
import type { WebDevice } from '../../../src/runtime/web_runtime.ts'
import { webRuntime } from '../../../src/runtime/web_runtime.ts'
import { arithmetic } from '../../runtime/models.ts'

/** What a runtime says of its choice, or the error. */
export const choose = (device: WebDevice): Promise<string | undefined> =>
  webRuntime(device).chosen!().catch((error: Error) => `${error.name}: ${error.message}`)

/** What a run says when the GPU is lost, and what the same graph gives on the one that is found then. */
export async function lose(): Promise<{ readonly told: string; readonly after: readonly number[] }> {
  const devices: GPUDevice[] = []
  const adapter = GPUAdapter.prototype
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with what it is called on
  const request = adapter.requestDevice
  adapter.requestDevice = async function (descriptor) {
    const device = await request.call(this, descriptor)
    devices.push(device)
    return device
  }
  const a = { dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) } as const
  const open = () => webRuntime({ provider: 'webgpu' }).open(arithmetic())
  const session = await open()
  await session.run({ a, b: a })
  devices[0]!.destroy()
  await devices[0]!.lost
  const told = await session.run({ a, b: a }).then(
    () => 'nothing',
    (error: Error) => `${error.name}: ${error.message}`,
  )
  const { sum } = await (await open()).run({ a, b: a })
  return { told, after: Array.from(sum!.data as Float32Array) }
}

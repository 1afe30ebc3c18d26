/** @module */

/** Counts the buffers of the GPU that are made from now on and not destroyed. */
export function countBuffers(): { count(): number } {
  if (!('GPUDevice' in globalThis)) return { count: () => 0 }
  const alive = new Set<GPUBuffer>()
  /* eslint-disable @typescript-eslint/unbound-method -- called with what they are called on */
  const { createBuffer } = GPUDevice.prototype
  const { destroy } = GPUBuffer.prototype
  /* eslint-enable @typescript-eslint/unbound-method */
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor)
    alive.add(buffer)
    return buffer
  }
  GPUBuffer.prototype.destroy = function () {
    alive.delete(this)
    return destroy.call(this)
  }
  return { count: () => alive.size }
}

import { expect } from 'chai'
import { optimizerWasm } from '../../../src/runtime/wasm/optimizer_wasm.ts'

describe('the optimizer kernels', () => {
  it('are what their source compiles to', async () => {
    const { compileOptimizer } = await import('../../../tools/wasm/compile.ts')
    expect(Buffer.from(await compileOptimizer()).toString('base64')).to.equal(optimizerWasm)
  })
})

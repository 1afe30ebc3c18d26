import { expect } from 'chai'
import { adamwWasm } from '../../../src/runtime/wasm/adamw_wasm.ts'

describe('the optimizer kernels', () => {
  it('are what their source compiles to', async () => {
    const { compileAdamW } = await import('../../../tools/wasm/compile.ts')
    expect(Buffer.from(await compileAdamW()).toString('base64')).to.equal(adamwWasm)
  })
})

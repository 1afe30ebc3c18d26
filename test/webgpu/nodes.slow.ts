import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { executedNodes } from '../training/executed_nodes.ts'

describe('a training graph on WebGPU', function () {
  this.timeout(300_000)
  /** Of 4-bit weights WebGPU has no rows that are looked up. */
  const left = { none: 0, bf16: 0, int4: 4 }
  for (const [base, most] of Object.entries(left))
    it(`leaves ${most} nodes to the CPU, with base ${base}`, () =>
      withFolder(async (folder) => {
        const nodes = await executedNodes(folder, {
          provider: 'webgpu',
          base: base === 'none' ? null : base,
        })
        const on = (wanted: string) => nodes.filter(({ provider }) => provider === wanted).length
        expect(on('WebGpuExecutionProvider')).to.be.above(100)
        expect(on('CPUExecutionProvider')).to.equal(most)
      }))
})

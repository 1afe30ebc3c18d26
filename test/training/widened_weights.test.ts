import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { executedNodes } from './executed_nodes.ts'

describe('frozen weights of few bits', () => {
  for (const [base, operator] of [
    ['int4', 'DequantizeLinear'],
    ['bf16', 'Cast'],
    ['fp16', 'Cast'],
  ] as const)
    it(`are widened right before each product that takes them: ${base}`, () =>
      withFolder(async (folder) => {
        const names = (await executedNodes(folder, { base })).map(({ name }) => name)
        const again = names.filter((name) => name.endsWith(`/again_1/${operator}`))
        // Of two blocks with four matrices, and the head, but for the first c_attn, whose input nobody wants a gradient of.
        expect(again).to.have.length(8)
        for (const name of again)
          expect(names[names.indexOf(name) + 1], name).to.equal(name.slice(0, name.indexOf('/again_1')))
      }))
})

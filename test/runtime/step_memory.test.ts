import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import type { StepMemory } from './step_memory.ts'

// Linux alone tells what memory belongs to a process.
const watches = process.platform === 'linux' ? describe : describe.skip

watches('memory of a training step on the CPU', function () {
  this.timeout(60_000)
  const measured = (what: string): StepMemory =>
    JSON.parse(
      execFileSync(process.execPath, [
        ...['--import', 'tsx', fileURLToPath(new URL('step_memory.ts', import.meta.url)), what],
      ]).toString(),
    ) as StepMemory

  for (const name of ['gelu_new', 'gelu'])
    it(`is one tensor for each ${name}: its input`, () => {
      const { tensors } = measured(name)
      // 48 inputs, and what one layer takes on the way back. What the formula's terms keep is three for each layer.
      expect(tensors).to.be.within(48, 80)
    })

  it('is no matrix of probabilities for each attention', () => {
    const { tensors } = measured('attention')
    expect(tensors).to.be.within(2, 24)
  })

  it('is one tensor of logits, which the probabilities take over', () => {
    const { tensors } = measured('head')
    expect(tensors).to.be.within(16, 34)
  })

  it('serves all sessions of a process', () => {
    const { again } = measured('gelu_new')
    expect(again).to.be.below(16)
  })
})

import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { itWhere } from '../it_where.ts'
import { tellsMemory } from '../peak_memory.ts'
import type { StepMemory } from './step_memory.ts'

const watches = itWhere(...tellsMemory)

describe('memory of a training step on the CPU', function () {
  this.timeout(60_000)
  const measured = (what: string): StepMemory =>
    JSON.parse(
      execFileSync(process.execPath, [
        ...['--import', 'tsx', fileURLToPath(new URL('step_memory.ts', import.meta.url)), what],
      ]).toString(),
    ) as StepMemory

  for (const name of ['gelu_new', 'gelu'])
    watches(`is one tensor for each ${name}: its input`, () => {
      const { tensors } = measured(name)
      // 48 inputs, and what one layer takes on the way back. What the formula's terms keep is three for each layer.
      expect(tensors).to.be.within(48, 80)
    })

  watches('is no matrix of probabilities for each attention', () => {
    const { tensors } = measured('attention')
    expect(tensors).to.be.within(2, 24)
  })

  watches('is one tensor of logits, which the probabilities take over', () => {
    const { tensors } = measured('head')
    expect(tensors).to.be.within(16, 34)
  })

  watches('serves all sessions of a process', () => {
    const { again } = measured('gelu_new')
    expect(again).to.be.below(16)
  })
})

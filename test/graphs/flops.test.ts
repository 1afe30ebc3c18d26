import { expect } from 'chai'

import { checkpointed } from '../../graphs/checkpointing.ts'
import { matmulFlops } from '../../graphs/flops.ts'
import { sftEvaluationGraph, sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { tiny } from './tiny_gpt2.ts'

describe('FLOPs of matrix products', () => {
  const shape = { batch: 2, sequence: 8, labelled: 5 }
  const training = () => sftTrainingGraph({ config: tiny })

  // dA = dY·Bᵀ and dB = Aᵀ·dY are as large as Y = A·B.
  it('of a step that trains every parameter are three times those of the forward pass, whatever is computed again', () => {
    const forward = matmulFlops(sftEvaluationGraph({ config: tiny }), shape)
    expect(matmulFlops(training(), shape)).to.equal(3 * forward)
    expect(matmulFlops(checkpointed(training()), shape)).to.equal(3 * forward)
  })
})

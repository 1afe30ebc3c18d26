import { expect } from 'chai'

import { packInt4 } from '../../graphs/ir/dtype.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import { BLOCK, quantise, scalesShape } from '../../src/formats/quantise.ts'
import { createRandom } from '../../src/random.ts'

/** The scale of each value, found as the shapes say. */
function scaleOf(i: number, shape: readonly number[], axis: number, scales: Float32Array): number {
  const [rows, columns] = [Math.floor(i / shape[1]!), i % shape[1]!]
  const index = [rows, columns].with(axis, Math.floor([rows, columns][axis]! / BLOCK))
  return scales[index[0]! * scalesShape(shape, axis)[1]! + index[1]!]!
}

describe('quantise', () => {
  for (const bits of [4, 8] as const)
    for (const shape of [
      [64, 3],
      [33, 5],
      [1, 1],
      [7, 100],
      [0, 4],
    ])
      for (const axis of [0, 1])
        it(`is half a step off at most: ${bits} bits, [${shape.join(', ')}] along axis ${axis}`, () => {
          const random = createRandom(bits, axis, ...shape)
          const data = Float32Array.from(
            { length: sizeOf(shape) },
            () => random.normal() * 10 ** random.integer(4),
          )
          const { codes, scales } = quantise(data, shape, axis, bits)
          expect(scales).to.have.length(sizeOf(scalesShape(shape, axis)))
          const largest = 2 ** (bits - 1) - 1
          data.forEach((value, i) => {
            const scale = scaleOf(i, shape, axis, scales)
            expect(Math.abs(codes[i]!)).to.be.at.most(largest)
            expect(Math.abs(value - codes[i]! * scale)).to.be.at.most((scale / 2) * (1 + 1e-5))
            if (codes[i] !== 0) expect(Math.sign(codes[i]!)).to.equal(Math.sign(value))
          })
        })

  it('gives zeros back, and the largest of a block to a rounding, whichever sign it has', () => {
    const data = new Float32Array(2 * BLOCK)
    data[3] = -0.7
    data[5] = 0.1
    const { codes, scales } = quantise(data, [1, 2 * BLOCK], 1, 4)
    expect([codes[3], codes[5], codes[0]]).to.deep.equal([-7, 1, 0])
    expect(scales[0]).to.be.closeTo(0.1, 1e-8)
    expect([scales[1], ...codes.subarray(BLOCK)].every((value) => value === 0)).to.equal(true)
  })

  it('takes values too small for a scale of their own as zeros', () => {
    const { codes } = quantise(new Float32Array(4).fill(1.4e-45), [1, 4], 1, 4)
    expect([...codes]).to.deep.equal([0, 0, 0, 0])
  })
})

describe('packInt4', () => {
  it('puts the first of two numbers into the lower half of a byte', () => {
    expect([...packInt4([1, -1, -8, 7, 3])]).to.deep.equal([0xf1, 0x78, 0x03])
  })
})

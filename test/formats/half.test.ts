import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { narrow, narrowTensor, widen } from '../../src/formats/half.ts'

const rounded = (dtype: 'F16' | 'BF16', ...values: number[]): number[] => [
  ...widen(narrow(Float32Array.from(values), dtype), dtype),
]

describe('half-precision floats', () => {
  for (const dtype of ['F16', 'BF16'] as const)
    it(`of type ${dtype} are each rounded to themselves`, () => {
      const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits)
      const finite = all.filter((_, i) => Number.isFinite(widen(all.subarray(i, i + 1), dtype)[0]!))
      expect(narrow(widen(finite, dtype), dtype)).to.deep.equal(finite)
    })

  it('are the nearest ones, of two equally near the even one', () => {
    const unit = 2 ** -10
    const tiny = 2 ** -24
    expect(rounded('F16', 1 + unit / 2, 1 + 1.5 * unit, 1 + 0.51 * unit, -1 - 0.49 * unit)).to.deep.equal([
      ...[1, 1 + 2 * unit, 1 + unit, -1],
    ])
    expect(rounded('F16', 2 - unit / 2, 65519, -65520, 1e9)).to.deep.equal([2, 65504, -Infinity, Infinity])
    // Below the smallest normal one they are multiples of 2^−24.
    expect(rounded('F16', tiny / 2, 1.5 * tiny, 0.51 * tiny, 1023.5 * tiny)).to.deep.equal([
      ...[0, 2 * tiny, tiny, 1024 * tiny],
    ])
    const brain = 2 ** -7
    expect(rounded('BF16', 1 + brain / 2, 1 + 1.5 * brain, 1 + 0.51 * brain, -3e38)).to.deep.equal([
      ...[1, 1 + 2 * brain, 1 + brain, -226 * 2 ** 120],
    ])
  })

  it('hold no larger number than their largest, and the tensor is named that has one', () => {
    const failing = (dtype: 'F16' | 'BF16', ...values: number[]) =>
      expect(() => narrowTensor('wte', Float32Array.from(values), dtype))
    failing('F16', 1, 65504, -Infinity).to.not.throw()
    failing('F16', 1, -70000).to.throw(
      UserError,
      /wte has the value -70000, .* float16, 65504; .* bfloat16 or float32$/,
    )
    failing('BF16', 70000, 3.38e38).to.not.throw()
    failing('BF16', 3.4e38).to.throw(
      UserError,
      /beyond the largest of bfloat16, 3\.39e38; save it as float32$/,
    )
  })
})

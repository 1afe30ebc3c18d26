import { expect } from 'chai'
import fc from 'fast-check'

import type { Dim } from '../../../graphs/ir/shape.ts'
import {
  broadcastShapes,
  dimProduct,
  dimSum,
  evaluateDim,
  formatShape,
  resolveAxis,
  sameShape,
  sizeOf,
} from '../../../graphs/ir/shape.ts'

const binding = { batch: 3, past_sequence: 5, sequence: 7 }

/** A dimension built up of sums and products, and the number it stands for. */
interface Built {
  readonly dim: Dim
  readonly value: number
}

const { dimension } = fc.letrec<{ dimension: Built }>((tie) => {
  const several = fc.array(tie('dimension'), { minLength: 1, maxLength: 3 })
  const dims = (parts: readonly Built[]) => parts.map(({ dim }) => dim)
  return {
    dimension: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.nat(6).map((value) => ({ dim: value, value })),
      fc.constantFrom(...Object.entries(binding)).map(([dim, value]) => ({ dim, value })),
      several.map((parts) => ({
        dim: dimSum(dims(parts)),
        value: parts.reduce((sum, { value }) => sum + value, 0),
      })),
      several.map((parts) => ({
        dim: dimProduct(dims(parts)),
        value: parts.reduce((product, { value }) => product * value, 1),
      })),
    ),
  }
})

describe('symbolic dimensions', () => {
  it('stand for the number that the same sums and products of numbers give', () => {
    fc.assert(fc.property(dimension, ({ dim, value }) => evaluateDim(dim, binding) === value))
  })

  it('are equal strings where the laws of sums and products make them equal', () => {
    fc.assert(
      fc.property(dimension, dimension, dimension, ({ dim: a }, { dim: b }, { dim: c }) => {
        expect(dimSum([a, b])).to.equal(dimSum([b, a]))
        expect(dimSum([dimSum([a, b]), c])).to.equal(dimSum([a, b, c]))
        expect(dimProduct([a, b])).to.equal(dimProduct([b, a]))
        expect(dimProduct([a, dimProduct([b, c])])).to.equal(dimProduct([a, b, c]))
        expect(dimProduct([a, dimSum([b, c])])).to.equal(dimSum([dimProduct([a, b]), dimProduct([a, c])]))
        expect(dimSum([a, a])).to.equal(dimProduct([2, a]))
        expect(dimSum([a, 0])).to.equal(a)
        expect(dimProduct([a, 1])).to.equal(a)
        expect(dimProduct([a, 0])).to.equal(0)
      }),
    )
  })

  it('are written as the artifacts name them', () => {
    expect(dimProduct(['sequence', 'batch'])).to.equal('batch*sequence')
    expect(dimSum(['sequence', 'past_sequence'])).to.equal('past_sequence+sequence')
    expect(dimProduct([2, 'batch', 3])).to.equal('6*batch')
    expect(dimSum(['batch', 1, 'batch'])).to.equal('2*batch+1')
    expect(dimProduct([4, 5])).to.equal(20)
    expect(dimSum([])).to.equal(0)
    expect(dimProduct([])).to.equal(1)
  })

  it('name the symbol that has no value', () => {
    expect(() => evaluateDim('batch*sequence', { batch: 2 })).to.throw('"sequence"')
    expect(evaluateDim('batch*sequence', { 'batch*sequence': 8 })).to.equal(8)
  })
})

describe('shapes', () => {
  it('broadcast as numpy does, symbols only against themselves and 1', () => {
    expect(broadcastShapes([2, 1, 3], [4, 1])).to.deep.equal([2, 4, 3])
    expect(broadcastShapes([], ['n', 3])).to.deep.equal(['n', 3])
    expect(broadcastShapes(['n', 1], [1, 'm'])).to.deep.equal(['n', 'm'])
    expect(broadcastShapes(['n', 3], ['n', 1])).to.deep.equal(['n', 3])
    expect(broadcastShapes([2, 3], [3, 3])).to.equal(undefined)
    expect(broadcastShapes(['n'], ['m'])).to.equal(undefined)
    expect(broadcastShapes(['n'], [3])).to.equal(undefined)
  })

  it('are the same only in every dimension', () => {
    expect(sameShape([2, 'n'], [2, 'n'])).to.equal(true)
    expect(sameShape([2, 'n'], [2, 'm'])).to.equal(false)
    expect(sameShape([2], [2, 1])).to.equal(false)
    expect(formatShape(['batch', 3])).to.equal('[batch, 3]')
  })

  it('of numbers have a number of elements', () => {
    expect([[], [3], [2, 3, 4], [5, 0]].map(sizeOf)).to.deep.equal([1, 3, 24, 0])
  })

  it('count axes from either end', () => {
    expect([0, 2, -1, -3].map((axis) => resolveAxis(axis, 3))).to.deep.equal([0, 2, 2, 0])
    for (const axis of [3, -4]) expect(() => resolveAxis(axis, 3)).to.throw(`axis ${axis}`)
  })
})

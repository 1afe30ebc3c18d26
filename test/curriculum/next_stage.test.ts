import { expect } from 'chai'

import type { Visit, Way } from '../../src/runs/curriculum/next_stage.ts'
import { nextStage, returns } from '../../src/runs/curriculum/next_stage.ts'
import { orderOf } from '../../src/runs/curriculum/order.ts'

const order = ['a', 'b', 'c']
const fixed: Way = {
  ...{ order, advance: 'fixed', tolerance: 0.1, max_returns: 2 },
  metrics: { a: 'eval_loss', b: 'eval_loss', c: 'eval_accuracy' },
}
const adaptive: Way = { ...fixed, advance: 'adaptive' }
const visit = (stage: string, best_metric: number, earlier?: Visit['earlier']): Visit => ({
  stage,
  best_metric,
  earlier,
})

describe('the way through the stages of a curriculum', () => {
  it('fixed: from each to the one after it, whatever it unlearns', () => {
    const visits = [visit('a', 2), visit('b', 3, { a: 9 })]
    expect(nextStage(fixed, [])).to.equal('a')
    expect(nextStage(fixed, visits)).to.equal('c')
    expect(nextStage(fixed, [...visits, visit('c', 0.5)])).to.equal(undefined)
  })

  it('adaptive: back where an earlier stage is worse than its best by more than the tolerance', () => {
    expect(nextStage(adaptive, [visit('a', 2), visit('b', 3, { a: 2.19 })])).to.equal('c')
    expect(nextStage(adaptive, [visit('a', 2), visit('b', 3, { a: 2.21 })])).to.equal('a')
    expect(nextStage(adaptive, [visit('a', 2), visit('b', 3, { a: 1 })])).to.equal('c')
    const back = [visit('a', 2), visit('b', 3, { a: 3 }), visit('a', 1.5)]
    expect(nextStage(adaptive, back), 'from there on again').to.equal('b')
    expect(nextStage(adaptive, [...back, visit('b', 3, { a: 1.7 })]), 'its best by now is 1.5').to.equal('a')
  })

  it('adaptive: of other metrics than the loss the higher is better', () => {
    const way: Way = { ...adaptive, order: ['c', 'a'] }
    expect(nextStage(way, [visit('c', 0.8), visit('a', 2, { c: 0.73 })])).to.equal(undefined)
    expect(nextStage(way, [visit('c', 0.8), visit('a', 2, { c: 0.7 })])).to.equal('c')
  })

  it('adaptive: goes back so often and no more', () => {
    const visits: Visit[] = []
    for (let next = nextStage(adaptive, visits); next !== undefined; next = nextStage(adaptive, visits)) {
      visits.push(visit(next, 1, next === 'a' ? {} : { a: 5 }))
      expect(visits.length).to.be.lessThan(20)
    }
    expect(visits.map(({ stage }) => stage).join('')).to.equal('abababc')
    expect(returns(order, visits)).to.equal(2)
  })

  it('order: given, reversed, or drawn from the seed', () => {
    expect(orderOf(order, 'given', 1)).to.deep.equal(order)
    expect(orderOf(order, 'reversed', 1)).to.deep.equal(['c', 'b', 'a'])
    const drawn = Array.from({ length: 20 }, (_, seed) => orderOf(order, 'shuffled', seed).join(''))
    expect(orderOf(order, 'shuffled', 7)).to.deep.equal(orderOf(order, 'shuffled', 7))
    expect(new Set(drawn).size).to.be.greaterThan(3)
  })
})

import { readFileSync } from 'node:fs'
import { appendFile, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { curve } from '../../src/report/curve.ts'
import { trainingCurves } from '../../src/report/training_curves.ts'
import { logWriter, readEvaluations, readRecords, truncateRecords } from '../../src/runs/log.ts'
import { sft } from '../../src/tasks/sft.ts'
import { collect, userError, withFile, withFolder } from '../data/helpers.ts'

const line = (step: number, values: object = { loss: 1 }): string => JSON.stringify({ step, ...values })

const stepsOf = async (path: string): Promise<number[]> =>
  (await collect(readRecords(path))).map(({ step }) => step)

/** What a killed process, another program or a stranger may leave in a log. */
const foreign = [
  ...['', 'null', '7', '[]', '"step"', '{"step": "3"}', '{"step": 1e999}', '{"step": 1.5}', '{"step":'],
  ...['[[[', '{}', '\0', '{"step": null}', '['.repeat(100_000)],
]

describe('a log that is written', () => {
  it('begins with the first step, and then has what training starts from', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'log.jsonl')
      const log = logWriter(path)
      const step = (n: number) => ({ step: n, epoch: 0, loss: 1, grad_norm: 1, learning_rate: 1, tokens: 1 })
      const evaluation = (n: number) => ({ step: n, epoch: 0, eval_loss: 1, best: false })
      log.evaluation!(evaluation(0))
      log.step!(step(1))
      log.step!(step(2))
      log.evaluation!(evaluation(2))
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
      expect(lines.map((line) => JSON.parse(line) as object)).to.deep.equal([
        ...[step(1), evaluation(0), step(2), evaluation(2)],
      ])
    }))
})

describe("a run's log", () => {
  it('is read record by record; lines that are none are passed over', () =>
    withFile('log.jsonl', [line(1), ...foreign, line(2), '{"step": 3, "lo'].join('\n'), async (path) =>
      expect(await stepsOf(path)).to.deep.equal([1, 2]),
    ))

  it('is cut behind a step, and of what is no record', () =>
    withFile('log.jsonl', [line(1), ...foreign, line(2), line(3), '{"st'].join('\n'), async (path) => {
      await truncateRecords(path, 2)
      expect(await readFile(path, 'utf8')).to.equal(`${line(1)}\n${line(2)}\n`)
      await truncateRecords(path, 0)
      expect(await readFile(path, 'utf8')).to.equal('')
    }))

  it('tells of the first and the last evaluation, whatever else names one', () => {
    const evaluations = [0, 1, 2, 3].map((step) => line(step, { eval_loss: 5 - step }))
    const others = ['{"eval_loss": 3}', '{"step": 4, "eval_loss": "low"}', '{"step": 5, "eval_loss']
    return withFile('log.jsonl', [...evaluations, ...others].join('\n'), async (path) => {
      expect((await readEvaluations(path)).map(({ step }) => step)).to.deep.equal([0, 3])
      expect(await readEvaluations(`${path}.none`)).to.deep.equal([])
    })
  })

  it('may have a line of 100 MB, which is no record; and its memory is not needed', () =>
    withFile('log.jsonl', `${line(1)}\n{"step": 2, "loss": "`, async (path) => {
      const part = Buffer.alloc(2 ** 20, 'x')
      for (let i = 0; i < 100; i++) await appendFile(path, part)
      await appendFile(path, `"}\n${line(3)}\n`)
      const before = process.memoryUsage().rss
      let most = 0
      const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5)
      expect(await stepsOf(path)).to.deep.equal([1, 3])
      await truncateRecords(path, 3)
      clearInterval(watch)
      expect(most - before).to.be.lessThan(2 ** 27)
      expect((await stat(path)).size).to.equal(2 * (line(1).length + 1))
    })).timeout(20_000)

  it('may be of 300 000 steps: it is drawn and cut within seconds, and little memory', () =>
    withFile('log.jsonl', '', async (path) => {
      const file = await open(path, 'a')
      for (let i = 0; i < 30; i++) {
        const lines = Array.from({ length: 10_000 }, (_, j) =>
          line(10_000 * i + j, {
            loss: 3,
            grad_norm: 1,
            learning_rate: 1e-4,
            ...(j % 2 ? { eval_loss: 3 } : {}),
          }),
        )
        await file.write(`${lines.join('\n')}\n`)
      }
      await file.close()
      const before = process.memoryUsage().rss
      const started = performance.now()
      const picture = await trainingCurves(readRecords(path), 'run', sft)
      expect(picture.length).to.be.lessThan(400_000)
      await truncateRecords(path, 10)
      expect(performance.now() - started).to.be.lessThan(15_000)
      expect(process.memoryUsage().rss - before).to.be.lessThan(2 ** 28)
      expect(await stepsOf(path)).to.have.length(11)
    })).timeout(60_000)

  it('is drawn where its numbers are not finite or past all measure, and says where there is none', async () => {
    const odd = [1e308, Infinity, NaN, -1e99, 'x', null, [1]].map((loss, step) => ({ step, loss }))
    expect(await trainingCurves(odd, 'run', sft))
      .to.match(/loss/)
      .and.not.match(/NaN|Infinity/)
    for (const none of [[], [{ step: 1 }], [{ step: 1, loss: Infinity }]])
      expect(await userError(() => trainingCurves(none, 'runs/x', sft))).to.match(
        /^runs\/x has nothing to draw/,
      )
  })
})

describe('a curve', () => {
  it('is its points up to 500, and then means of groups of them', () => {
    const of = (count: number) => {
      const drawn = curve()
      for (let step = 1; step <= count; step++) drawn.add({ step, value: step })
      return drawn.points()
    }
    expect(of(500)).to.have.length(500)
    expect(of(500)[7]).to.deep.equal({ step: 8, value: 8 })
    expect(of(501)).to.have.length(251)
    // Of 1 and 2, at 2.
    expect(of(501)[0]).to.deep.equal({ step: 2, value: 1.5 })
    expect(of(501).at(-1)).to.deep.equal({ step: 501, value: 501 })
    expect(of(100_000).length).to.be.within(250, 500)
    for (const { step, value } of of(64_000).slice(0, -1)) expect(value).to.be.closeTo(step - 63.5, 1e-6)
  })
})

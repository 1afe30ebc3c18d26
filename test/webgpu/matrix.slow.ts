/** Tasks on WebGPU in Node beside the CPU: a part of `npm run gpu`. */
import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CASES } from '../../tools/gpu/cases.ts'
import type { Compared } from '../../tools/gpu/correctness.ts'
import { compare, isRight } from '../../tools/gpu/correctness.ts'
import type { Timed } from '../../tools/gpu/speed.ts'
import { writeSmallModel } from '../../tools/gpu/small_model.ts'

/** A task of each kind of loop, and what is kept or computed in another way. */
const NAMES = [
  ...['sft', 'sft, every parameter', 'sft, micro-batches and plastic updates', 'sft, base int4'],
  ...['dpo', 'ppo', 'neuroplastic'],
]

describe('training on WebGPU, interrupted after a step', function () {
  this.timeout(300_000)
  let folder: string
  let model: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-webgpu-'))
    model = join(folder, 'model')
    await writeSmallModel(model, join(import.meta.dirname, '..', '..', 'artifacts', 'pocket'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  for (const name of NAMES)
    it(`goes as on the CPU: ${name}`, async () => {
      const one = CASES[name]!
      const { loss, gradient, steps } = await compare(one, 'webgpu', { model, folder: join(folder, name) })
      expect(steps).to.equal(one.steps ?? 10)
      expect(loss, 'loss').to.be.at.most(1e-4)
      expect(gradient, 'gradient').to.be.at.most(1e-4)
    })

  it('is told as JSON, with the time of a step', () => {
    const script = join(import.meta.dirname, '..', '..', 'tools', 'gpu', 'main.ts')
    const args = ['--import', 'tsx', script, '--small', '--only', 'classification', '--json']
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(status).to.equal(0)
    const { compared, timed } = JSON.parse(stdout) as {
      compared: Record<string, Compared>
      timed: Timed[]
    }
    expect(Object.keys(compared)).to.deep.equal(['classification'])
    expect(isRight(compared['classification']!)).to.equal(true)
    const [plain] = timed
    expect(plain).to.deep.include({ name: 'ortune, fp32', rows: 2, length: 16 })
    // Weights of random numbers: as likely as any of 512 tokens.
    expect(plain!.loss).to.be.closeTo(Math.log(512), 0.1)
    expect(timed.find(({ name }) => name === 'ortune, fp32, checkpointing')!.loss).to.be.closeTo(
      plain!.loss,
      1e-3,
    )
  })
})

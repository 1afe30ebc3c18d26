import { expect } from 'chai'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../../src/errors.ts'
import { listProviders, openNodeSession } from '../../src/runtime/node.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { squares, withExternalWeight } from './models.ts'
import { itWhere } from '../it_where.ts'

const floats = (data: Float32Array): HostTensor => ({ dtype: 'float32', dims: [data.length], data })

describe('session on onnxruntime-node', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-node-'))
    const { model, weights } = withExternalWeight()
    await writeFile(join(folder, 'model.onnx'), model)
    await writeFile(join(folder, 'weights.bin'), weights)
  })
  after(() => rm(folder, { recursive: true }))

  it("finds external data beside the model's path", async () => {
    const session = await openNodeSession(join(folder, 'model.onnx'))
    const { y } = await session.run({ x: floats(Float32Array.of(1, 2, 3)) })
    expect([...y!.data]).to.deep.equal([11, 22, 33])
    await session.release()
  })

  it('names a missing model', async () => {
    const path = join(folder, 'absent.onnx')
    const error = await openNodeSession(path).catch((error: unknown) => error)
    expect(error).to.be.instanceOf(UserError)
    expect((error as Error).message).to.contain(path)
  })

  it('copies no output', async () => {
    const length = 2 ** 21
    const x = floats(new Float32Array(length).fill(1))
    const into = { x_grad: floats(new Float32Array(length)) }
    const session = await openNodeSession(squares())
    const before = process.memoryUsage().arrayBuffers
    const { loss } = await session.run({ x }, { into })
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(4096)
    expect(into.x_grad.data.every((value) => value === 2)).to.equal(true)
    expect(loss!.data[0]).to.equal(length)
    await session.release()
  })

  it('names an input whose dims the model does not take', async () => {
    const session = await openNodeSession(join(folder, 'model.onnx'), { name: 'm.onnx' })
    const x = { dtype: 'float32', dims: [2], data: new Float32Array(2) } as const
    const error = (await session.run({ x }).catch((error: unknown) => error)) as Error
    expect(error.message).to.match(/^m\.onnx: the run failed: .*\bx\b.*index: 0 Got: 2 Expected: 3/)
    await session.release()
  })

  const cuda = listProviders().find(({ name }) => name === 'cuda')
  itWhere(!cuda?.installed, 'CUDA is installed')(
    'says how to install a provider that is not there',
    async () => {
      const error = await openNodeSession(squares(), { provider: 'cuda' }).catch((error: unknown) => error)
      expect(error).to.be.instanceOf(UserError)
      if (cuda)
        expect((error as Error).message).to.contain('node node_modules/onnxruntime-node/script/install')
      else expect((error as Error).message).to.contain('no cuda provider')
    },
  )

  it('is what auto has chosen, which advises nothing that was done', async () => {
    const { chosen, provider } = nodeRuntime({ provider: 'auto', half: 'bfloat16' })
    const note = await chosen!()
    expect(note)
      .to.match(new RegExp(`^provider auto is ${await provider!()}`))
      .and.not.include('or use')
    // WebGPU has no bfloat16 anywhere.
    expect(await provider!()).not.to.equal('webgpu')
  })

  it('lets no library print beside an error', () => {
    const script = `
      import { openNodeSession } from './src/runtime/node.ts'
      const error = await openNodeSession(new Uint8Array(4), { provider: 'webgpu', name: 'x' }).catch((error) => error)
      process.stderr.write(error.name)`
    const { stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '../..'),
      env: { ...process.env, VK_ICD_FILENAMES: '/nonexistent', XDG_RUNTIME_DIR: '' },
    })
    expect(stderr.toString()).to.equal('UserError')
  })

  it('keeps its library where all is collected that can be', () => {
    const script = join(import.meta.dirname, 'collected.ts')
    const printed = execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', script])
    expect(printed.toString()).to.equal('released')
  })

  it('lists the CPU among its providers', () => {
    expect(listProviders()).to.deep.include({ name: 'cpu', installed: true })
  })

  it('writes a profile of the operators that ran', async () => {
    const session = await openNodeSession(squares(), { profilePrefix: join(folder, 'profile') })
    await session.run({ x: floats(Float32Array.of(1, 2)) })
    await session.release()
    const file = (await readdir(folder)).find((name) => name.startsWith('profile'))!
    const events = JSON.parse(await readFile(join(folder, file), 'utf8')) as { args?: { op_name?: string } }[]
    expect(events.map(({ args }) => args?.op_name)).to.include('ReduceSum')
  })
})

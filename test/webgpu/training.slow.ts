/**
 * Training on WebGPU in Node, beside the CPU. It wants an adapter, such as the software one that chromium brings: its
 * `vk_swiftshader_icd.json` as VK_ICD_FILENAMES, a loader for Vulkan, and an empty folder as XDG_RUNTIME_DIR.
 */
import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openGenerator } from '../../src/models/open_generator.ts'
import { UserError } from '../../src/errors.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { deviceMemory } from '../../src/runtime/session.ts'
import type { DeviceTensor, HostTensor } from '../../src/runtime/session.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { add, mul, reduceSum } from '../../graphs/ops/index.ts'
import { itIsATrainingState } from '../runtime/state_scenarios.ts'
import { createTinyRun } from '../training/tiny_run.ts'

const cli = join(import.meta.dirname, '..', '..', 'src', 'cli', 'ortune.mjs')
const words = ['dog', 'cat', 'tree', 'sea', 'hill', 'bird', 'house', 'car']
const rows = words.map((word) => ({ prompt: `a ${word} is`, completion: ` a thing, ${word}` }))

describe('WebGPU in Node', function () {
  this.timeout(300_000)
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-webgpu-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('keeps a state on the device from run to run', async () => {
    const graph = new Graph('twice and one')
    graph.output('y', add(mul(graph.input('x', 'float32', ['n', 4]), 2), 1))
    const session = await openNodeSession(serialize(graph), { provider: 'webgpu' })
    const tensor = (): DeviceTensor => ({
      dtype: 'float32',
      dims: [2, 4],
      place: new Float32Array(8).fill(1),
    })
    let x = tensor()
    for (let i = 0; i < 5; i++) {
      const y = tensor()
      expect(await session.run({ x }, { into: { y } })).to.deep.equal({})
      deviceMemory(x)?.release()
      x = y
    }
    const memory = deviceMemory(x)
    if (!memory) throw new Error('the state is on the host')
    expect([...(await memory.read())]).to.deep.equal(new Array<number>(8).fill(63))
    memory.release()
    await session.release()
  })

  describe('a training state on the device', () => {
    const runtime = nodeRuntime({ provider: 'webgpu' })
    itIsATrainingState(runtime)

    it('never leaves it', async () => {
      const state = await runtime.state(new Map([['w', [3, 5]]]), { traced: new Set(['w']) })
      const w = state.parameters['w']!
      await state.write('w', 'parameter', new Float32Array(15).fill(1))
      const written = deviceMemory(w)
      expect(written).not.to.equal(undefined)
      await state.step({
        ...{ learningRate: 1, step: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.5 },
      })
      expect(deviceMemory(w)).not.to.be.oneOf([undefined, written])
      // Without a gradient there is decay alone.
      expect([...(await state.read('w', 'parameter'))]).to.deep.equal(new Array<number>(15).fill(0.5))
      await state.release()
    })
  })

  it('answers as the CPU does, from a cache on the device', async () => {
    const { model } = await createTinyRun(join(folder, 'answers'), rows)
    const answers = async (provider: 'cpu' | 'webgpu') => {
      const generator = await openGenerator(model, { provider })
      const found = await generator.generate(['a dog', 'the hill is a'], {
        max_new_tokens: 40,
        do_sample: false,
      })
      await generator.release()
      return found.map(({ tokens }) => tokens)
    }
    const wanted = await answers('cpu')
    expect(wanted[0]).to.have.length.above(4)
    expect(await answers('webgpu')).to.deep.equal(wanted)
  })

  it('says in a sentence what is missing, with exit code 2', async () => {
    const { model } = await createTinyRun(join(folder, 'missing'), rows)
    const config = { model, data: [{ path: join(folder, 'missing', 'rows.jsonl') }], provider: 'webgpu' }
    const [file, out] = [join(folder, 'missing.yaml'), join(folder, 'none')]
    await writeFile(file, JSON.stringify(config))
    const { status, stderr } = spawnSync(process.execPath, [cli, 'train', file, `output_dir=${out}`], {
      env: { ...process.env, VK_ICD_FILENAMES: join(folder, 'no driver.json') },
      encoding: 'utf8',
    })
    expect(status).to.equal(2)
    expect(stderr.trim().split('\n').at(-1)).to.match(/^ortune: .*WebGPU adapter.*Vulkan.*provider 'cpu'$/)
    expect(await readdir(folder)).not.to.include('none')
  })

  it('widens weights of 16 bits once where the adapter cannot keep them, and says so', async () => {
    const losses = async (provider: 'cpu' | 'webgpu', base: string) => {
      const notes: string[] = []
      const found: number[] = []
      const { run } = await createTinyRun(join(folder, base, provider), rows, {
        provider,
        base,
        max_steps: 3,
      })
      await continueRun(run, { step: ({ loss }) => found.push(loss), note: (text) => notes.push(text) })
      return { found, notes }
    }
    const { storage } = await nodeRuntime({ provider: 'webgpu' }).halfTypes!()
    for (const [base, dtype] of [
      ['fp16', 'float16'],
      ['bf16', 'bfloat16'],
    ] as const) {
      const [cpu, webgpu] = [await losses('cpu', base), await losses('webgpu', base)]
      for (const [i, loss] of cpu.found.entries())
        expect(webgpu.found[i]! / loss).to.be.within(1 - 1e-4, 1 + 1e-4)
      expect(cpu.notes.join()).not.to.match(/widened/)
      if (storage.includes(dtype)) expect(webgpu.notes.join()).not.to.match(/widened/)
      else
        expect(webgpu.notes.join()).to.match(/frozen ones are widened once, and take the memory of float32/)
    }
  })

  it('trains in float16 where the adapter has it, and else says in a sentence that it has not', async () => {
    const { arithmetic } = await nodeRuntime({ provider: 'webgpu' }).halfTypes!()
    const losses = async (provider: 'cpu' | 'webgpu') => {
      const found: number[] = []
      const options = { provider, precision: 'fp16', max_steps: 3 }
      const { run } = await createTinyRun(join(folder, 'half', provider), rows, options)
      await continueRun(run, { step: ({ loss }) => found.push(loss) })
      return found
    }
    const cpu = await losses('cpu')
    if (arithmetic.includes('float16')) {
      for (const [i, loss] of (await losses('webgpu')).entries())
        expect(loss / cpu[i]!).to.be.within(0.98, 1.02)
      return
    }
    const error = await losses('webgpu').catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(UserError)
    expect((error as Error).message).to.equal(
      "webgpu on this device has no float16; use the provider 'auto' or 'cpu', or make the run with precision fp32",
    )
    expect(await readdir(join(folder, 'half', 'webgpu'))).not.to.include('run')
  })

  it('says what is too large for the adapter, and what to do', async () => {
    const graph = new Graph('table')
    graph.output(
      'y',
      add(graph.input('rows', 'float32', ['m', 1]), graph.input('columns', 'float32', [1, 'n'])),
    )
    const session = await openNodeSession(serialize(graph), { provider: 'webgpu', name: 'a table' })
    const line = (dims: readonly number[]): HostTensor => ({
      ...{ dtype: 'float32', dims },
      data: new Float32Array(dims[0]! * dims[1]!),
    })
    const failure = async (m: number, n: number): Promise<string> => {
      const y: DeviceTensor = { dtype: 'float32', dims: [m, n], place: null }
      const error: unknown = await session
        .run({ rows: line([m, 1]), columns: line([1, n]) }, { into: { y } })
        .catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(UserError)
      return (error as Error).message
    }
    const remedy = 'use smaller batches or shorter sequences, or another provider'
    for (const side of [20_000, 60_000])
      expect(await failure(side, side)).to.equal(
        `a table: a tensor is larger than the GPU takes as one; ${remedy}`,
      )
    // Within a graph, a size is told: Chromium's adapter takes 1 GiB.
    const within = new Graph('sum')
    const sum = add(within.input('rows', 'float32', ['m', 1]), within.input('columns', 'float32', [1, 'n']))
    within.output('y', reduceSum(mul(sum, 2), [0, 1], false))
    const inner = await openNodeSession(serialize(within), { provider: 'webgpu', name: 'a sum' })
    const error: unknown = await inner
      .run({ rows: line([20_000, 1]), columns: line([1, 20_000]) })
      .catch((thrown: unknown) => thrown)
    expect((error as Error).message).to.equal(
      `a sum: a tensor of 1,526 MiB is larger than the 1,024 MiB that the GPU takes as one; ${remedy}`,
    )
    await inner.release()
    await session.release()
  })

  it('is what auto takes, which says why', async () => {
    const sentence = await nodeRuntime({ provider: 'auto' }).chosen!()
    expect(sentence).to.match(/^provider auto is webgpu; the cuda provider is not installed: /)
    expect(await nodeRuntime({ provider: 'cpu' }).chosen!()).to.equal(undefined)
  })
})

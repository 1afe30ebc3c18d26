import { expect } from 'chai'
import { join } from 'node:path'

import { prepareSource } from '../../page/worker/examples.ts'
import { UserError } from '../../src/errors.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { PeftAdapter } from '../../src/formats/peft_files.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { webRuntime } from '../../src/runtime/web_runtime.ts'
import {
  adapterBlobs,
  keepAdapter,
  keptAdapter,
  keptAdapters,
  keptHead,
  mergedBlobs,
  readAdapterHead,
  trainedAdapter,
} from '../../src/tab/adapter.ts'
import { blobFiles } from '../../src/tab/blob_files.ts'
import { openTabClassifier } from '../../src/tab/classifier.ts'
import { createTabRun, readTabLog, readTabRun, trainTabRun } from '../../src/tab/run.ts'
import type { TabRunPlace } from '../../src/tab/run.ts'
import type { TabStorage } from '../../src/tab/storage.ts'
import { memoryStorage } from '../../src/tab/storage.ts'
import { createTabWriter } from '../../src/tab/writer.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import { writeTinyAdapter } from '../tiny_model.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { asTabRun, tabModel, tabPlace } from './nodes_run.ts'

const texts = ['a dog is an animal', 'the sea is water', 'a hill is a small mountain', 'a lamp gives light']
const common = { max_steps: 4, eval_steps: 2, per_device_train_batch_size: 2, learning_rate: 1e-2 }

const TASKS: Readonly<Record<string, { readonly rows: readonly object[]; readonly settings: object }>> = {
  sft: { rows: texts.map((text) => ({ text })), settings: {} },
  'sft, packed, several batches a step': {
    rows: texts.map((text) => ({ text })),
    settings: { packing: true, gradient_accumulation_steps: 2, per_device_train_batch_size: 1 },
  },
  'sft of all parameters': {
    rows: texts.map((text) => ({ text })),
    settings: { lora: 'full', learning_rate: 1e-3 },
  },
  classification: {
    rows: texts.map((text, i) => ({ text, label: i % 2 === 0 ? 'yes' : 'no' })),
    settings: { task: 'classification' },
  },
  reward: {
    rows: texts.map((text) => ({ prompt: 'say', chosen: ` ${text}`, rejected: ' no' })),
    settings: { task: 'reward' },
  },
  dpo: {
    rows: texts.map((text) => ({ prompt: 'say', chosen: ` ${text}`, rejected: ' no no' })),
    settings: { task: 'dpo' },
  },
  ppo: {
    rows: texts.map((text) => ({ prompt: text, completion: ' light' })),
    settings: {
      task: 'ppo',
      ppo: {
        reward: { metric: 'rouge1' },
        batch_size: 4,
        mini_batch_size: 2,
        ppo_epochs: 2,
        max_new_tokens: 5,
      },
    },
  },
  grpo: {
    rows: texts.map((text) => ({ prompt: text, completion: ' light' })),
    settings: {
      task: 'grpo',
      grpo: {
        reward_funcs: [{ metric: 'rouge1' }, { pattern: 'e' }],
        ...{ num_generations: 2, max_completion_length: 5, steps_per_generation: 2, beta: 0.1 },
      },
    },
  },
}

describe('A run in a tab', () => {
  for (const [name, { rows, settings }] of Object.entries(TASKS))
    it(`of ${name} goes as in a folder of Node`, () =>
      withFolder(async (folder) => {
        const { run, model } = await createTinyRun(folder, rows, { ...common, ...settings })
        const steps: number[] = []
        await continueRun(run, { step: ({ loss }) => steps.push(loss) })
        const place = await tabPlace(model, nodeRuntime())
        const record = await createTabRun(
          await asTabRun(run, { lora: { r: 4, lora_alpha: 8 }, ...common, ...settings }),
          place,
        )
        await trainTabRun('run', place)
        const log = await readTabLog(place.storage, 'run')
        expect(log.filter((one) => 'loss' in one).map(({ loss }) => loss)).to.deep.equal(steps)
        if (record.settings.lora === 'full') return
        const ours = await trainedAdapter(place.storage, record, place.model)
        const theirs = await readPeftAdapter(join(run, 'checkpoints', 'best'))
        expectEqual(ours, theirs)
      }))

  const rows = TASKS['sft']!.rows
  /** One that is made, and its place. */
  async function made(folder: string, settings: object = {}, runtime = nodeRuntime()): Promise<TabRunPlace> {
    const { run, model } = await createTinyRun(folder, rows, common)
    const place = await tabPlace(model, runtime)
    await createTabRun(await asTabRun(run, { lora: { r: 4, lora_alpha: 8 }, ...common, ...settings }), place)
    return place
  }

  it('on WebAssembly has the losses of Node', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, common)
      const losses: number[] = []
      await continueRun(run, { step: ({ loss }) => losses.push(loss) })
      const place = await made(join(folder, 'tab'), {}, webRuntime())
      const ours: number[] = []
      await trainTabRun('run', { ...place, listener: { step: ({ loss }) => ours.push(loss) } })
      expect(ours).to.have.length(4)
      for (const [i, loss] of ours.entries()) expect(loss).to.be.closeTo(losses[i]!, 1e-4 * losses[i]!)
    }))

  it('that was stopped goes on to the same bytes', () =>
    withFolder(async (folder) => {
      const [whole, parts] = [await made(join(folder, 'a')), await made(join(folder, 'b'))]
      await trainTabRun('run', whole)
      const stop = new AbortController()
      const listener = { step: ({ step }: { step: number }) => step === 3 && stop.abort() }
      const { global_step } = await trainTabRun('run', { ...parts, listener, signal: stop.signal })
      expect(global_step).to.equal(3)
      await trainTabRun('run', parts)
      for (const file of ['log.jsonl', 'last.safetensors', 'best.safetensors'])
        expect(await hex(parts, file), file).to.equal(await hex(whole, file))
    }))

  it('writes with its adapter what Node writes with it, and swaps adapters of other ranks', () =>
    withFolder(async (folder) => {
      const place = await made(folder)
      await trainTabRun('run', place)
      const record = await readTabRun(place.storage, 'run')
      await keepAdapter(place.storage, 'mine', await trainedAdapter(place.storage, record, place.model))
      expect(await keptAdapters(place.storage)).to.deep.equal(['mine'])
      const adapter = await keptAdapter(place.storage, 'mine')
      const prompts = ['a dog is', 'the sea']
      const options = { max_new_tokens: 8 }
      const written = async (writer: ReturnType<typeof createTabWriter>, one: PeftAdapter | null) => {
        const generator = await writer.use(one)
        return (await generator.generate(prompts, options)).map(({ tokens }) => tokens)
      }

      const files = join(folder, 'adapter')
      await writeBlobs(files, adapterBlobs(adapter))
      const node = async (given: object) => {
        const generator = await openGenerator(join(folder, 'model'), given)
        const texts = await generator.generate(prompts, options)
        await generator.release()
        return texts.map(({ tokens }) => tokens)
      }
      const [plain, adapted] = [await node({}), await node({ adapter: files })]
      expect(adapted).to.not.deep.equal(plain)

      const writer = createTabWriter(place.model, nodeRuntime())
      expect(await written(writer, null)).to.deep.equal(plain)
      expect(await written(writer, adapter)).to.deep.equal(adapted)
      expect(await written(writer, narrow(adapter))).to.deep.equal(
        await written(createTabWriter(place.model, nodeRuntime()), narrow(adapter)),
      )
      expect(await written(writer, null)).to.deep.equal(plain)
      await writer.release()

      const merged = join(folder, 'merged')
      await writeBlobs(merged, await mergedBlobs(place.model, adapter))
      const generator = await openGenerator(merged)
      expect((await generator.generate(prompts, options)).map(({ tokens }) => tokens)).to.deep.equal(adapted)
      await generator.release()
    }))

  it('of classification names classes', () =>
    withFolder(async (folder) => {
      const { rows, settings } = TASKS['classification']!
      const { run, model } = await createTinyRun(folder, rows, { ...common, ...settings })
      const place = await tabPlace(model, nodeRuntime())
      const record = await createTabRun(await asTabRun(run, { ...common, ...settings, max_steps: 30 }), place)
      await trainTabRun('run', place)
      const adapter = await trainedAdapter(place.storage, record, place.model)
      const classifier = await openTabClassifier(place.model, record, adapter, nodeRuntime())
      expect(classifier.classes).to.deep.equal(['no', 'yes'])
      const answers = await classifier.classify(texts)
      const [first, second] = answers
      expect(first![1]).to.be.above(0.5)
      expect(second![0]).to.be.above(0.5)
      await classifier.release()

      await keepAdapter(place.storage, 'kept', adapter, record.head)
      const head = await keptHead(place.storage, 'kept')
      const again = await openTabClassifier(
        place.model,
        { name: 'kept', head },
        await keptAdapter(place.storage, 'kept'),
        nodeRuntime(),
      )
      expect(await again.classify(texts)).to.deep.equal(answers)
      await again.release()

      const blobs = adapterBlobs(adapter, record.head)
      expect(await readAdapterHead(blobFiles('theirs', blobs))).to.deep.equal(record.head)
      blobs.set('head.json', new Blob(['{"kind":"classes","classes":[]}']))
      expect(await userError(() => readAdapterHead(blobFiles('theirs', blobs)))).to.match(
        /^theirs\/head\.json.*classes/,
      )
      await keepAdapter(place.storage, 'kept', adapter)
      expect((await keptHead(place.storage, 'kept')).kind).to.equal('language')
    }))

  describe('is refused in one sentence', () => {
    it('under a name that is taken, or none', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        const again = await asTabRun(join(folder, 'run'), {})
        expect(await userError(() => createTabRun(again, place))).to.match(/called run already; remove it/)
        const odd = { ...again, name: '../run' }
        expect(await userError(() => createTabRun(odd, place))).to.match(
          /cannot be called "..\/run"; use letters/,
        )
        expect(await userError(() => trainTabRun('other', place))).to.match(/no run called other/)
      }))

    it('with a class whose name is too long, as in Node', () =>
      withFolder(async (folder) => {
        const options = { ...common, ...TASKS['classification']!.settings }
        const rowsOf = (length: number) =>
          texts.map((text, i) => ({ text, label: i % 2 === 0 ? 'yes' : 'n'.repeat(length) }))
        const { run, model } = await createTinyRun(folder, rowsOf(200), options)
        const place = await tabPlace(model, nodeRuntime())
        await createTabRun(await asTabRun(run, options), place)
        expect((await readTabRun(place.storage, 'run')).head)
          .to.have.property('classes')
          .of.length(2)

        const tooLong =
          /^the class "nnn.* has 201 characters, and the name of a class has 1 to 200; is it a text/
        const node = createTinyRun(join(folder, 'node'), rowsOf(201), options)
        expect(await userError(() => node)).to.match(tooLong)
        const text = rowsOf(201).map((row) => `${JSON.stringify(row)}\n`)
        const source = { name: 'rows.jsonl', blob: new Blob(text) }
        const { train, validation } = await prepareSource(source, 'classification', {}, place.model, 0.5)
        const given = { name: 'b', settings: options, train, validation }
        expect(await userError(() => createTabRun(given, place))).to.match(tooLong)
        expect(await place.storage.list('runs')).to.deep.equal(['run'])
      }))

    it('where its storage is cleared while it is trained, and leaves nothing', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        const clear = (step: number) => step === 1 && void place.storage.remove('runs')
        const listener = { step: ({ step }: { step: number }) => clear(step) }
        expect(await userError(() => trainTabRun('run', { ...place, listener }))).to.match(
          /the run run is gone.*storage is cleared; make the run anew/,
        )
        expect(await place.storage.list('runs')).to.deep.equal([])
      }))

    it('where its log is damaged', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        await trainTabRun('run', place)
        await place.storage.write('runs/run/log.jsonl', ['{"step":1'])
        expect(await userError(() => trainTabRun('run', place))).to.match(/^runs\/run\/log.jsonl is damaged/)
      }))

    it('where there is no room for all of it, and leaves nothing', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        const storage: TabStorage = {
          ...place.storage,
          async write(path, pieces) {
            if (path.endsWith('run.json')) throw new UserError('there is no room')
            await place.storage.write(path, pieces)
          },
        }
        const given = { ...(await asTabRun(join(folder, 'run'), common)), name: 'b' }
        expect(await userError(() => createTabRun(given, { ...place, storage }))).to.equal('there is no room')
        expect(await storage.list('runs')).to.deep.equal(['run'])
      }))

    it('with settings that do not go together', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        const refused = async (settings: object) =>
          userError(async () =>
            createTabRun({ ...(await asTabRun(join(folder, 'run'), settings)), name: 'b' }, place),
          )
        expect(await refused({ task: 'dpo', packing: true })).to.match(/packing is not for task dpo/)
        expect(await refused({ lora: { r: 0 } })).to.match(/lora/)
        expect(await refused({ lora: { target_modules: ['q_proj'] } })).to.match(/q_proj/)
        expect(await refused({ task: 'equivalence' })).to.match(/a tab does not/)
        expect(await refused({ max_stepps: 3 })).to.match(/max_stepps/)
        expect(await place.storage.list('runs')).to.deep.equal(['run'])
      }))

    it('without examples to judge by', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        const none = { ...(await asTabRun(join(folder, 'run'), {})), name: 'b', validation: undefined }
        expect(await userError(() => createTabRun(none, place))).to.match(/no validation examples; add rows/)
      }))

    it('while it is trained already', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        const training = trainTabRun('run', place)
        expect(await userError(() => trainTabRun('run', place))).to.match(/in use by another tab/)
        await training
      }))

    it('where its numbers grow without bound, and its checkpoint stays', () =>
      withFolder(async (folder) => {
        const place = await made(folder, {
          learning_rate: 10,
          max_steps: 400,
          eval_steps: 1,
          weight_decay: 1,
          max_grad_norm: 0,
          lr_scheduler_type: 'constant',
          lora: 'full',
        })
        const message = await userError(() => trainTabRun('run', place))
        expect(message).to.match(/step \d+/)
        const last = await place.storage.read('runs/run/last.safetensors')
        expect(last?.size).to.be.above(1000)
      }))

    it('where its checkpoint is damaged', () =>
      withFolder(async (folder) => {
        const place = await made(folder)
        await trainTabRun('run', place)
        const path = 'runs/run/last.safetensors'
        const bytes = await (await place.storage.read(path))!.arrayBuffer()
        await place.storage.write(path, [bytes.slice(0, 2000)])
        expect(await userError(() => trainTabRun('run', place))).to.match(/last.safetensors/)
      }))
  })

  it('keeps no adapter under a name that can be none, nor one that could not be read again', () =>
    withFolder(async (folder) => {
      await writeTinyAdapter(folder)
      const [storage, adapter] = [memoryStorage(), await readPeftAdapter(folder)]
      for (const name of ['', '.', '..', '../up', 'x/y', ' a', 'a'.repeat(81), 'nul\0'])
        expect(await userError(() => keepAdapter(storage, name, adapter)), name).to.match(
          /^an adapter cannot be called ".*"; use letters.*80 at most/,
        )
      const unlike: [string, Partial<PeftAdapter>][] = [
        ['lora_alpha', { lora_alpha: 1.7e308 * 10 }],
        ['lora_alpha is 1e\\+200, which makes a scale that is not finite', { lora_alpha: 1e200 }],
        ['rank is 3', { r: 3 }],
      ]
      for (const [said, change] of unlike) {
        const sentence = await userError(() => keepAdapter(storage, 'mine', { ...adapter, ...change }))
        expect(sentence).to.match(new RegExp(`^mine/.*${said}`))
      }
      expect(await storage.list('adapters')).to.deep.equal([])
    }))

  it('asks for the files of a model', () =>
    withFolder(async (folder) => {
      await createTinyRun(folder, rows, common)
      expect(await userError(() => tabModel(folder))).to.match(/config.json is not among the files; add it/)
    }))
})

async function hex({ storage }: TabRunPlace, file: string): Promise<string> {
  const blob = await storage.read(`runs/run/${file}`)
  return Buffer.from(await blob!.arrayBuffer()).toString('hex')
}

async function writeBlobs(folder: string, blobs: ReadonlyMap<string, Blob>): Promise<void> {
  const { mkdir, writeFile } = await import('node:fs/promises')
  for (const [name, blob] of blobs) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), Buffer.from(await blob.arrayBuffer()))
  }
}

/** The first half of the ranks of an adapter, as one of its own. */
function narrow(adapter: PeftAdapter): PeftAdapter {
  const r = adapter.r / 2
  const tensors = new Map(
    [...adapter.tensors].map(([name, { shape, data }]) => {
      const [rows, columns] = shape as [number, number]
      if (name.includes('lora_A'))
        return [name, { shape: [r, columns], data: data.slice(0, r * columns) }] as const
      const kept = new Float32Array(rows * r)
      for (let row = 0; row < rows; row++) kept.set(data.subarray(row * columns, row * columns + r), row * r)
      return [name, { shape: [rows, r], data: kept }] as const
    }),
  )
  return { ...adapter, r, tensors }
}

function expectEqual(a: PeftAdapter, b: PeftAdapter): void {
  expect(a.r).to.equal(b.r)
  expect([...a.tensors.keys()]).to.have.members([...b.tensors.keys()])
  for (const part of ['tensors', 'head'] as const)
    for (const [name, { data }] of b[part] ?? new Map<string, { data: Float32Array }>())
      expect(largestDifference(a[part]!.get(name)!.data, data), name).to.equal(0)
}

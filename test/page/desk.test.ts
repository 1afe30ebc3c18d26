import { expect } from 'chai'
import { join } from 'node:path'

import type { Writer } from '../../page/worker/workshop.ts'
import type { Desk } from '../../page/worker/writing.ts'
import { createDesk } from '../../page/worker/writing.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { PeftAdapter } from '../../src/formats/peft_files.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { keepAdapter } from '../../src/tab/adapter.ts'
import type { TabStorage } from '../../src/tab/storage.ts'
import { memoryStorage } from '../../src/tab/storage.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { tabModel } from '../tab/nodes_run.ts'
import { writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'

describe("the page's desk", () => {
  it('writes with an adapter that knows its model by another path, as Node does', () =>
    withDesk(async (desk, storage, given, { model, adapter }) => {
      await keepAdapter(storage, 'theirs', { ...given, baseModel: '/somewhere/else/model' })
      const request = { prompt: 'a dog is', max_new_tokens: 8, temperature: 0, seed: 0 }
      const { text } = await desk.write({ ...request, writer: { kind: 'adapter', name: 'theirs' } })
      const generator = await openGenerator(model, { adapter })
      const [expected] = await generator.generate([request.prompt], { max_new_tokens: 8 })
      await generator.release()
      expect(text).to.equal(expected!.text)

      const [name, tensor] = [...given.tensors][0]!
      const shape = [tensor.shape[0]!, tensor.shape[1]! - 1]
      const narrower = { shape, data: tensor.data.slice(0, shape[0]! * shape[1]!) }
      await keepAdapter(storage, 'other', {
        ...given,
        tensors: new Map([...given.tensors, [name, narrower]]),
      })
      const other = desk.write({ ...request, writer: { kind: 'adapter', name: 'other' } })
      expect(await userError(() => other)).to.match(/was it trained on another model/)
    }))

  it('writes before and after at once, a token each in turn', () =>
    withDesk(async (desk, storage, given) => {
      await keepAdapter(storage, 'wider', { ...given, r: 2 * given.r, tensors: doubled(given.tensors) })
      const request = { prompt: 'a dog is', max_new_tokens: 8, temperature: 0, seed: 0 }
      const writers: Writer[] = [
        { kind: 'adapter', name: 'mine' },
        { kind: 'model' },
        { kind: 'adapter', name: 'wider' },
      ]
      const alone: string[] = []
      for (const writer of writers) alone.push((await desk.write({ ...request, writer })).text)
      expect(alone[1]).to.not.equal(alone[0])
      expect(alone[2]).to.equal(alone[0])

      for (const [few, turns] of [
        [writers.slice(0, 2), '0101'],
        [writers, '012012'],
      ] as const) {
        let order = ''
        const written = await Promise.all(
          few.map((writer, i) => desk.write({ ...request, writer }, () => (order += i))),
        )
        expect(written.map(({ text }) => text)).to.deep.equal(alone.slice(0, few.length))
        expect(order).to.include(turns)
        for (const { tokens } of written) expect(tokens).to.be.within(1, 8)
      }
    }))

  it('lets texts under way end before one with a larger adapter begins', () =>
    withDesk(async (desk, storage, given) => {
      await keepAdapter(storage, 'wider', { ...given, r: 2 * given.r, tensors: doubled(given.tensors) })
      const request = { prompt: 'a dog is', max_new_tokens: 6, temperature: 0, seed: 0 }
      let order = ''
      const writers: Writer[] = [
        { kind: 'adapter', name: 'mine' },
        { kind: 'adapter', name: 'wider' },
      ]
      const [mine, wider] = await Promise.all(
        writers.map((writer, i) => desk.write({ ...request, writer }, () => (order += i))),
      )
      expect(wider!.text).to.equal(mine!.text)
      expect(order).to.match(/^0+1+$/)
    }))
})

/** The pair A, B beside one of zeros: another rank, the same product. */
const doubled = (tensors: PeftAdapter['tensors']): PeftAdapter['tensors'] =>
  new Map(
    [...tensors].map(([name, { shape, data }]) => {
      const [rows, columns] = shape as [number, number]
      if (name.includes('.lora_A.')) {
        // alpha / rank halves with the rank.
        const twice = new Float32Array(2 * data.length)
        twice.set(data.map((value) => 2 * value))
        return [name, { shape: [2 * rows, columns], data: twice }]
      }
      const wide = new Float32Array(2 * data.length)
      for (let row = 0; row < rows; row++)
        wide.set(data.subarray(row * columns, (row + 1) * columns), row * 2 * columns)
      return [name, { shape: [rows, 2 * columns], data: wide }]
    }),
  )

const withDesk = (
  work: (
    desk: Desk,
    storage: TabStorage,
    given: PeftAdapter,
    folders: { readonly model: string; readonly adapter: string },
  ) => Promise<void>,
): Promise<void> =>
  withFolder(async (folder) => {
    const [model, adapter] = [join(folder, 'model'), join(folder, 'adapter')]
    await writeTinyModel(model)
    await writeTinyAdapter(adapter)
    const storage = memoryStorage()
    const given = await readPeftAdapter(adapter)
    await keepAdapter(storage, 'mine', given)
    const desk = createDesk(storage, await tabModel(model), nodeRuntime())
    try {
      await work(desk, storage, given, { model, adapter })
    } finally {
      await desk.release()
    }
  })

import { expect } from 'chai'
import { join } from 'node:path'

import { createDesk } from '../../page/worker/writing.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { keepAdapter } from '../../src/tab/adapter.ts'
import { memoryStorage } from '../../src/tab/storage.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { tabModel } from '../tab/nodes_run.ts'
import { writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'

describe("the page's desk", () => {
  it('writes with an adapter that knows its model by another path, as Node does', () =>
    withFolder(async (folder) => {
      const [model, adapter] = [join(folder, 'model'), join(folder, 'adapter')]
      await writeTinyModel(model)
      await writeTinyAdapter(adapter)
      const storage = memoryStorage()
      const given = await readPeftAdapter(adapter)
      await keepAdapter(storage, 'mine', { ...given, baseModel: '/somewhere/else/model' })
      const desk = createDesk(storage, await tabModel(model), nodeRuntime())
      const request = { prompt: 'a dog is', max_new_tokens: 8, temperature: 0, seed: 0 }
      const { text } = await desk.write({ ...request, writer: { kind: 'adapter', name: 'mine' } })
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
      await desk.release()
    }))
})

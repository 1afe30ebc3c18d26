import { expect } from 'chai'
import { join } from 'node:path'

import { keep, listAdapters } from '../../page/worker/adapters.ts'
import { addModel } from '../../page/worker/models.ts'
import { freeName } from '../../page/worker/names.ts'
import { listRuns } from '../../page/worker/runs.ts'
import { UserError } from '../../src/errors.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { createTabRun, trainTabRun } from '../../src/tab/run.ts'
import type { TabStorage } from '../../src/tab/storage.ts'
import { memoryStorage } from '../../src/tab/storage.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { asTabRun, folderBlobs, tabPlace } from '../tab/nodes_run.ts'
import { writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'
import { createTinyRun } from '../training/tiny_run.ts'

describe('what the page keeps', () => {
  it('is listed where one adapter is damaged, which the list says', () =>
    withFolder(async (folder) => {
      await writeTinyAdapter(folder)
      const [storage, adapter] = [memoryStorage(), await readPeftAdapter(folder)]
      for (const name of ['cut', 'none', 'whole']) await keep(storage, name, adapter, { kind: 'language' })
      await storage.write('adapters/cut/adapter_model.safetensors', ['abcd'])
      await storage.write('adapters/none/adapter_config.json', [
        '{"peft_type":"LORA","r":1,"lora_alpha":null}',
      ])
      const [cut, none, whole] = await listAdapters(storage)
      expect(cut).to.have.keys('name', 'damaged').and.to.include({ name: 'cut' })
      expect(cut)
        .to.have.property('damaged')
        .that.matches(/^cut\/adapter_model.safetensors/)
      expect(none)
        .to.have.property('damaged')
        .that.matches(/^none\/adapter_config.json.*lora_alpha/)
      expect(whole).to.include({ name: 'whole', rank: adapter.r })
    }))

  it('is listed where runs are damaged, which the list says', () =>
    withFolder(async (folder) => {
      const common = { max_steps: 2, eval_steps: 1, per_device_train_batch_size: 2 }
      const { run, model } = await createTinyRun(folder, [{ text: 'a dog' }, { text: 'the sea' }], common)
      const place = await tabPlace(model, nodeRuntime())
      const { storage } = place
      const given = { ...(await asTabRun(run, common)), notes: { model: 'kept/model' } }
      for (const name of ['cut', 'odd', 'text', 'whole']) await createTabRun({ ...given, name }, place)
      await trainTabRun('cut', place)
      await storage.write('runs/cut/last.safetensors', ['abcd'])
      const record = await (await storage.read('runs/odd/run.json'))!.text()
      await storage.write('runs/odd/run.json', [JSON.stringify({ ...JSON.parse(record), head: {} })])
      await storage.write('runs/text/run.json', ['{'])
      await storage.write('runs/unmade/train.arrow', ['abcd'])
      const [cut, odd, text, whole, ...more] = await listRuns(storage)
      expect(cut)
        .to.have.property('damaged')
        .that.matches(/last.safetensors/)
      expect(odd)
        .to.have.property('damaged')
        .that.matches(/^runs\/odd\/run.json lacks the key head/)
      expect(text)
        .to.have.property('damaged')
        .that.matches(/^runs\/text\/run.json is damaged/)
      expect(whole).to.include({ name: 'whole', state: 'new', steps: 2 })
      expect(more).to.deep.equal([])
    }))

  it('has a name of its own, where one is taken a number more', async () => {
    const storage = memoryStorage()
    const free = (given: string) => freeName(storage, 'adapters', given)
    expect(await free('../my adapter (1)')).to.equal('-my adapter -1-')
    for (const expected of ['a', 'a 2', 'a 3']) {
      expect(await free('a')).to.equal(expected)
      await storage.write(`adapters/${expected}/adapter_config.json`, ['{}'])
    }
    expect([...(await free('𝔸'.repeat(200)))]).to.have.length(70)
    expect(await userError(() => free('...'))).to.match(/no letter or digit/)
  })

  it('keeps the model that is there, where another of its name is added or finds no room', () =>
    withFolder(async (folder) => {
      await writeTinyModel(folder)
      const files = [...(await folderBlobs(folder))].map(([name, blob]) => new File([blob], name))
      const storage = memoryStorage()
      expect((await addModel(storage, 'tiny', files)).id).to.equal('kept/tiny')
      const first = await kept(storage, 'tiny')
      const { id, model } = await addModel(storage, 'tiny', files)
      expect([id, model.files.where]).to.deep.equal(['kept/tiny 2', 'tiny 2'])

      const small: TabStorage = {
        ...storage,
        async write(path, pieces) {
          if (path.endsWith('.safetensors')) throw new UserError('there is no room')
          await storage.write(path, pieces)
        },
      }
      await storage.write('models/cut off/model.safetensors', ['abcd'])
      expect(await userError(() => addModel(small, 'tiny', files))).to.equal('there is no room')
      expect(await storage.list('models')).to.deep.equal(['tiny', 'tiny 2'])
      expect(await kept(storage, 'tiny')).to.deep.equal(first)
      expect(first).to.include('config.json').and.to.include('model.safetensors')
    }))

  it('leaves a model alone that another tab adds at this moment', () =>
    withFolder(async (folder) => {
      await writeTinyModel(folder)
      const files = [...(await folderBlobs(folder))].map(([name, blob]) => new File([blob], name))
      const storage = memoryStorage()
      await storage.alone('models/tiny', async () => {
        await storage.write('models/tiny/tokenizer.json', ['{}'])
        expect((await addModel(storage, 'tiny', files)).id).to.equal('kept/tiny 2')
        expect(await kept(storage, 'tiny')).to.deep.equal(['tokenizer.json'])
      })
    }))
})

const kept = (storage: TabStorage, name: string): Promise<string[]> => storage.list(join('models', name))

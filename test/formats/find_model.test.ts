import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { TRAINED_FILE } from '../../src/formats/trained_file.ts'
import { findModel } from '../../src/models/find_model.ts'
import { exportArtifacts } from '../../src/runs/artifacts.ts'
import { languageHead } from '../../graphs/models/head.ts'
import { adamwConfig, trainingOptionsSchema } from '../../src/learning/options.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { tinyLora, writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'

const optimizer = adamwConfig(trainingOptionsSchema.parse({}))

interface Places {
  readonly model: string
  readonly run: string
  readonly best: string
  readonly last: string
  readonly loose: string
}

/** A model, an untrained run of it, where its checkpoints would be, and an adapter that lies elsewhere. */
const withPlaces = (lora: typeof tinyLora | 'full', use: (places: Places) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const [model, run, loose] = [join(folder, 'model'), join(folder, 'run'), join(folder, 'loose')]
    await writeTinyModel(model)
    await exportArtifacts({
      model,
      out: run,
      task: 'sft',
      options: {},
      lora,
      npt: null,
      head: languageHead,
      optimizer,
      seed: 1,
    })
    await writeTinyAdapter(loose)
    const [best, last] = ['best', 'last'].map((name) => join(run, 'checkpoints', name))
    await use({ model, run, loose, best: best!, last: last! })
  })

async function writeAdapterCheckpoint(folder: string): Promise<void> {
  await writeTinyAdapter(folder)
  await writeFile(join(folder, 'trainer_state.json'), '{}')
}

describe('formats/find_model', () => {
  it("takes a run's best checkpoint, or its last, or the model it starts from", async () => {
    await withPlaces(tinyLora, async ({ run, best, last }) => {
      expect(await findModel(run)).to.deep.equal({ base: run, checkpoint: 'base' })
      await writeAdapterCheckpoint(last)
      expect(await findModel(run)).to.deep.equal({ base: run, adapter: last, checkpoint: 'last' })
      await writeAdapterCheckpoint(best)
      expect(await findModel(run)).to.deep.equal({ base: run, adapter: best, checkpoint: 'best' })
      expect(await findModel(run, { checkpoint: 'last' })).to.include({ adapter: last })
      expect(await findModel(run, { checkpoint: 'base' })).to.not.have.property('adapter')
    })
  })

  it('does not take the model before training for a run that has no checkpoint yet', async () => {
    await withPlaces(tinyLora, async ({ run }) => {
      await writeFile(join(run, 'training.json'), '{}')
      expect(await userError(() => findModel(run))).to.match(
        /has no checkpoint yet; go on with "ortune resume/,
      )
      expect(await findModel(run, { checkpoint: 'base' })).to.include({ checkpoint: 'base' })
    })
  })

  it('takes the whole model of a checkpoint where all parameters were trained', async () => {
    await withPlaces('full', async ({ model, run, best }) => {
      expect(await findModel(run)).to.deep.equal({ base: run, checkpoint: 'base' })
      await cp(model, best, { recursive: true })
      await writeFile(join(best, 'trainer_state.json'), '{}')
      expect(await findModel(run)).to.deep.equal({ base: best, checkpoint: 'best' })
    })
  })

  it('finds the base model of an adapter: its run, or the folder it names', async () => {
    await withPlaces(tinyLora, async ({ model, run, best, loose }) => {
      await writeAdapterCheckpoint(best)
      expect(await findModel(best)).to.deep.equal({ base: run, adapter: best })
      expect(await userError(() => findModel(loose))).to.match(/loose is an adapter of an unnamed model/)
      const path = join(loose, 'adapter_config.json')
      const config = JSON.parse(await readFile(path, 'utf8')) as object
      await writeFile(path, JSON.stringify({ ...config, base_model_name_or_path: model }))
      expect(await findModel(loose)).to.deep.equal({ base: model, adapter: loose })
    })
  })

  it("finds the model of a head that was trained alone in the head's run", async () => {
    const head = { kind: 'classes', classes: ['a', 'b'], pooling: 'last', dropout: 0 } as const
    await withFolder(async (folder) => {
      const [model, run, loose] = ['model', 'run', 'loose'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ]
      await writeTinyModel(model)
      await exportArtifacts({
        model,
        out: run,
        task: 'classification',
        options: {},
        lora: 'none',
        npt: null,
        head,
        optimizer,
        seed: 1,
      })
      const best = join(run, 'checkpoints', 'best')
      for (const place of [best, loose]) {
        await mkdir(place, { recursive: true })
        await writeFile(join(place, TRAINED_FILE), '')
        await writeFile(join(place, 'trainer_state.json'), '{}')
      }
      const found = { base: run, trained: best, head }
      expect(await findModel(best)).to.deep.equal(found)
      expect(await findModel(run)).to.deep.equal({ ...found, checkpoint: 'best' })
      expect(await userError(() => findModel(loose))).to.match(/loose holds a part of a model alone/)
    })
  })

  it('puts a named adapter on a model', async () => {
    await withPlaces(tinyLora, async ({ model, run, loose }) => {
      expect(await findModel(model)).to.deep.equal({ base: model, adapter: undefined })
      expect(await findModel(model, { adapter: loose })).to.deep.equal({ base: model, adapter: loose })
      expect(await findModel(run, { adapter: loose })).to.deep.equal({ base: run, adapter: loose })
    })
  })

  it('puts no adapter that has a head on a language model', () =>
    withPlaces(tinyLora, async ({ model, run, loose }) => {
      const path = join(loose, 'adapter_config.json')
      const config = JSON.parse(await readFile(path, 'utf8')) as object
      for (const module of ['score', 'classifier']) {
        const ofHead = { task_type: 'SEQ_CLS', modules_to_save: [module], base_model_name_or_path: model }
        await writeFile(path, JSON.stringify({ ...config, ...ofHead }))
        for (const find of [
          () => findModel(model, { adapter: loose }),
          () => findModel(run, { adapter: loose }),
          () => findModel(loose),
        ])
          expect(await userError(find)).to.match(
            /loose is the adapter of a classifier or a reward model, and .*(model|run) a language model/,
          )
      }
    }))

  it('refuses what does not fit', async () => {
    await withPlaces(tinyLora, async ({ model, run, loose }) => {
      const wrong: [() => Promise<unknown>, RegExp][] = [
        [() => findModel(`${model}-x`), /model-x does not exist/],
        [() => findModel(join(model, 'config.json')), /config\.json is a file; name the folder/],
        [
          () => findModel(join(model, '..')),
          /has neither config\.json, adapter_config\.json nor ortune\.json/,
        ],
        [() => findModel(run, { checkpoint: 'last' }), /run has no last checkpoint yet/],
        [() => findModel(model, { checkpoint: 'base' }), /model is no run/],
        [() => findModel(loose, { adapter: loose }), /loose is an adapter itself/],
        [() => findModel(run, { adapter: loose, checkpoint: 'best' }), /both say what to use/],
      ]
      await mkdir(join(run, 'checkpoints', 'last'), { recursive: true })
      for (const [find, message] of wrong) expect(await userError(find)).to.match(message)
    })
  })
})

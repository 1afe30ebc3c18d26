import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { exportArtifacts } from '../../src/runs/artifacts.ts'
import { adamwConfig, trainingOptionsSchema } from '../../src/learning/options.ts'
import { languageHead } from '../../graphs/models/head.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'

describe('a folder of artifacts that is written over', () => {
  const withArtifacts = (use: (out: string, write: () => Promise<unknown>) => Promise<void>) =>
    withFolder(async (folder) => {
      const [model, out] = [join(folder, 'model'), join(folder, 'out')]
      await writeTinyModel(model)
      const write = () =>
        exportArtifacts({
          ...{ model, out, task: 'sft', options: {}, head: languageHead, npt: null, seed: 1 },
          lora: { r: 2, lora_alpha: 4, target_modules: ['c_attn'] },
          optimizer: adamwConfig(trainingOptionsSchema.parse({ learning_rate: 1e-3 })),
        })
      await write()
      await use(out, write)
    })

  it('may hold what ortune wrote', () =>
    withArtifacts(async (out, write) => {
      const before = readdirSync(out)
      await write()
      expect(readdirSync(out)).to.deep.equal(before)
    }))

  const foreign: Readonly<Record<string, (out: string) => string>> = {
    'a file of the user': (out) => join(out, 'notes.txt'),
    'a hidden one': (out) => join(out, '.env'),
    'one in a folder': (out) => {
      mkdirSync(join(out, 'mine'))
      return join(out, 'mine', 'thesis.tex')
    },
    'a file of ortune that the user changed': (out) => join(out, 'config.json'),
  }
  for (const [what, place] of Object.entries(foreign))
    it(`stays as it is for ${what}`, () =>
      withArtifacts(async (out, write) => {
        const path = place(out)
        writeFileSync(path, 'precious')
        const before = readdirSync(out, { recursive: true })
        expect(await userError(write))
          .to.include(path.slice(out.length + 1))
          .and.match(/not as ortune wrote it/)
        expect(readFileSync(path, 'utf8')).to.equal('precious')
        expect(readdirSync(out, { recursive: true })).to.deep.equal(before)
      }))

  it('stays as it is where its manifest is of a time before digests', () =>
    withArtifacts(async (out, write) => {
      const path = join(out, 'ortune.json')
      const { files, ...manifest } = JSON.parse(readFileSync(path, 'utf8')) as { files: object }
      expect(files).to.have.property('model.safetensors')
      writeFileSync(path, JSON.stringify(manifest))
      writeFileSync(join(out, 'notes.txt'), 'precious')
      expect(await userError(write)).to.include('notes.txt')
      rmSync(join(out, 'notes.txt'))
      await write()
    }))
})

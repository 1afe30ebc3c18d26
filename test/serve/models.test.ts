import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { ServedModels } from '../../src/serve/models.ts'
import { leftOut, modelRoutes, namedModels } from '../../src/serve/models.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'
import { ask, withServer } from './asking.ts'

async function writeModel(folder: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  await mkdir(folder, { recursive: true })
  const files = { 'config.json': '{}', 'tokenizer.json': '{"a":1}', 'model.safetensors': 'weights', ...more }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const withModels = (folders: readonly string[], use: (url: string) => Promise<void>) =>
  namedModels(folders)
    .then(modelRoutes)
    .then((routes) => withServer(routes, use))

const listed = async (url: string) =>
  (JSON.parse((await ask(url, '/models.json')).text) as ServedModels).models

describe('served models', () => {
  it('are listed with the sizes of their files, and each has a name of its own', () =>
    withFolder(async (folder) => {
      const models = [
        await writeModel(join(folder, 'gpt2')),
        await writeModel(join(folder, 'other', 'gpt2')),
        await writeModel(join(folder, 'my model (new)')),
      ]
      await withModels(models, async (url) => {
        const { models } = JSON.parse((await ask(url, '/models.json')).text) as ServedModels
        expect(models.map(({ name }) => name)).to.deep.equal(['gpt2', 'gpt2-2', 'my-model-new-'])
        expect(models[0]!.files).to.deep.equal({
          ...{ 'config.json': 2, 'model.safetensors': 7, 'tokenizer.json': 7 },
        })
        for (const { name, files } of models)
          for (const file of Object.keys(files)) {
            const { status, headers } = await ask(url, `/models/${name}/${file}`)
            expect([status, headers['content-length']]).to.deep.equal([200, String(files[file])])
            expect(headers['content-type']).to.match(/^application\/(json|octet-stream)$/)
          }
      })
    }))

  it('have the files of a model and no others', () =>
    withFolder(async (folder) => {
      const secret = {
        'notes.txt': 'secret',
        '.env': 'secret',
        'training.json': 'secret',
        'data.csv': 'secret',
      }
      const model = await writeModel(join(folder, 'gpt2'), {
        ...secret,
        'model-00001-of-00002.safetensors': 'x',
        'model.safetensors.index.json': '{}',
        'chat_template.jinja': 'x',
        'vocab.json': '{}',
        'merges.txt': 'x',
      })
      await mkdir(join(model, 'onnx'))
      await writeFile(join(model, 'onnx', 'config.json'), 'secret')
      await writeFile(join(folder, 'config.json'), 'secret')
      await withModels([model], async (url) => {
        for (const path of [
          ...Object.keys(secret).map((name) => `/models/gpt2/${name}`),
          ...[
            '/models/gpt2/onnx/config.json',
            '/models/gpt2/../config.json',
            '/models/gpt2/..%2fconfig.json',
          ],
          ...[
            '/models/config.json',
            '/models/gpt2',
            '/models/gpt2/',
            '/models/',
            '/models/other/config.json',
          ],
        ]) {
          const { status, text } = await ask(url, path)
          expect([status, text.includes('secret')], path).to.deep.equal([404, false])
        }
        for (const name of [
          'model-00001-of-00002.safetensors',
          'chat_template.jinja',
          'vocab.json',
          'merges.txt',
        ])
          expect((await ask(url, `/models/gpt2/${name}`)).status, name).to.equal(200)
      })
    }))

  it('may be links into the blobs of their own repository, as the Hub keeps them, and nowhere else', () =>
    withFolder(async (folder) => {
      const repository = join(folder, 'models--gpt2')
      const snapshot = await writeModel(join(repository, 'snapshots', 'abc'))
      await mkdir(join(repository, 'blobs'))
      await writeFile(join(repository, 'blobs', '123'), '{"of":"the cache"}')
      await writeFile(join(folder, 'secret.json'), 'secret')
      await symlink('../../blobs/123', join(snapshot, 'generation_config.json'))
      await symlink(join(folder, 'secret.json'), join(snapshot, 'tokenizer_config.json'))
      await withModels([snapshot], async (url) => {
        expect((await ask(url, '/models/abc/generation_config.json')).text).to.equal('{"of":"the cache"}')
        expect((await ask(url, '/models/abc/tokenizer_config.json')).status).to.equal(404)
        expect(Object.keys((await listed(url))[0]!.files)).to.deep.equal([
          ...['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'],
        ])
      })
    }))

  it('lead into blobs beside a folder of snapshots alone', () =>
    withFolder(async (folder) => {
      const model = await writeModel(join(folder, 'models', 'gpt2'))
      await mkdir(join(folder, 'blobs'))
      await writeFile(join(folder, 'blobs', '123'), 'secret')
      await symlink('../../blobs/123', join(model, 'generation_config.json'))
      await withModels([model], async (url) => {
        expect((await ask(url, '/models/gpt2/generation_config.json')).status).to.equal(404)
        expect((await listed(url))[0]!.files).not.to.have.property('generation_config.json')
      })
    }))

  it('are listed without what is not served, of which a sentence tells', () =>
    withFolder(async (folder) => {
      const [whole, dangling, leading] = await Promise.all(
        ['whole', 'dangling', 'leading'].map((name) => writeModel(join(folder, name))),
      )
      await writeFile(join(folder, 'secret'), 'secret')
      await rm(join(dangling!, 'model.safetensors'))
      await symlink('nowhere', join(dangling!, 'model.safetensors'))
      await symlink(join(folder, 'secret'), join(leading!, 'chat_template.jinja'))
      await symlink('loop.safetensors', join(leading!, 'loop.safetensors'))
      await mkdir(join(leading!, 'merges.txt'))
      const folders = [whole!, dangling!, leading!]
      await withModels(folders, async (url) => {
        const files = ['config.json', 'model.safetensors', 'tokenizer.json']
        expect((await listed(url)).map(({ name, files }) => [name, Object.keys(files)])).to.deep.equal([
          ['whole', files],
          ['leading', files],
        ])
        for (const path of [
          '/models/leading/chat_template.jinja',
          '/models/leading/loop.safetensors',
          '/models/leading/merges.txt',
          '/models/dangling/model.safetensors',
        ]) {
          const { status, text } = await ask(url, path)
          expect([status, text.includes('secret')], path).to.deep.equal([404, false])
        }
        await rm(whole!, { recursive: true })
        expect((await listed(url)).map(({ name }) => name)).to.deep.equal(['leading'])
        await writeModel(whole!)
      })
      const said = await leftOut(await namedModels(folders))
      expect(said).to.have.length(2)
      expect(said[0]).to.match(
        /dangling: the model with model\.safetensors is left out, as no file or a link that leads nowhere or out of/,
      )
      expect(said[1]).to.match(/leading: chat_template\.jinja, loop\.safetensors, merges\.txt is left out/)
    }))

  it('are refused in one sentence where they are none', () =>
    withFolder(async (folder) => {
      const says = async (path: string) => {
        const { name, message } = await rejection(namedModels([path]))
        expect(name).to.equal('UserError')
        return message
      }
      expect(await says(join(folder, 'nowhere'))).to.match(/nowhere does not exist; name/)
      expect(await says(folder)).to.match(/is no model: it lacks config\.json; name a folder with/)
      await writeFile(join(folder, 'config.json'), '{}')
      expect(await says(folder)).to.match(/is no model: it lacks weights \(\*\.safetensors\);/)
      expect(await says(join(folder, 'config.json'))).to.match(/is no model/)
    }))
})

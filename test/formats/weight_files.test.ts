import { copyFile, cp, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { placeModel } from '../../src/runs/artifacts.ts'
import { bertFixture } from '../graphs/bert_fixtures.ts'
import { rejection } from '../rejection.ts'
import { writeTinyModel } from '../tiny_model.ts'

const WHOLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const shardName = (i: number) => `model-0000${i + 1}-of-00003.safetensors`

/** Takes a folder's weights apart into three files and an index, as transformers does. */
async function shard(folder: string): Promise<Record<string, string>> {
  const tensors = [...(await readTensors(join(folder, WHOLE)))]
  const weight_map: Record<string, string> = {}
  const size = Math.ceil(tensors.length / 3)
  for (let i = 0; i < 3; i++) {
    const part = tensors.slice(i * size, (i + 1) * size)
    await writeSafetensors(join(folder, shardName(i)), new Map(part))
    for (const [name] of part) weight_map[name] = shardName(i)
  }
  await rm(join(folder, WHOLE))
  await writeIndex(folder, weight_map)
  return weight_map
}

const writeIndex = (folder: string, weight_map: unknown) =>
  writeFile(join(folder, INDEX), JSON.stringify({ metadata: { total_size: 1 }, weight_map }))

describe('weights in several files', () => {
  let place: string
  let whole: string
  let parted: string
  let weight_map: Record<string, string>
  before(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-shards-'))
    ;[whole, parted] = [join(place, 'whole'), join(place, 'parted')]
    await writeTinyModel(whole)
    await cp(whole, parted, { recursive: true })
    weight_map = await shard(parted)
  })
  after(() => rm(place, { recursive: true }))

  /** A copy to do harm to. */
  async function copy(): Promise<string> {
    const folder = await mkdtemp(join(place, 'copy-'))
    await cp(parted, folder, { recursive: true })
    return folder
  }

  it('are the model’s, as if they were one file', async () => {
    const expected = await readStored((await openModelFolder(whole)).tensors)
    const read = await readStored((await openModelFolder(parted)).tensors)
    expect([...read]).to.deep.equal([...expected])
  })

  it('are read where they lie, and through symbolic links', async () => {
    const [blobs, snapshot] = [join(place, 'blobs'), join(place, 'snapshot')]
    await cp(parted, blobs, { recursive: true })
    await mkdir(snapshot)
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', INDEX])
      await symlink(join(blobs, name), join(snapshot, name))
    const [first, ...others] = [0, 1, 2].map(shardName)
    await rename(join(blobs, first!), join(place, 'elsewhere'))
    for (const name of others) await symlink(join(blobs, name), join(snapshot, name))

    const texts: string[] = []
    for (const [folder, target] of [
      [whole, undefined],
      [parted, undefined],
      // Blobs in two folders, then in one.
      [snapshot, join(place, 'elsewhere')],
      [snapshot, join(blobs, 'abc')],
    ] as const) {
      if (target !== undefined) {
        if (target.endsWith('abc')) await rename(join(place, 'elsewhere'), target)
        await rm(join(snapshot, first!), { force: true })
        await symlink(target, join(snapshot, first!))
      }
      const generator = await openGenerator(folder)
      const [made] = await generator.generate(['a'], { max_new_tokens: 12 })
      texts.push(made!.tokens.join())
      await generator.release()
    }
    expect(new Set(texts).size).to.equal(1)
  })

  it('are joined to one file for a run', async () => {
    const folder = join(place, 'run')
    await mkdir(folder)
    expect(await placeModel({ model: parted, seed: 1 }, folder)).to.deep.equal([])
    const [joined, given] = [folder, whole].map((name) => readTensors(join(name, WHOLE)))
    expect(await joined).to.deep.equal(await given)
  })

  it('give way to a whole file', async () => {
    const folder = await copy()
    await copyFile(join(whole, WHOLE), join(folder, WHOLE))
    await writeFile(join(folder, INDEX), '{')
    expect((await openModelFolder(folder)).tensors.size).to.be.greaterThan(0)
  })

  describe('are refused in one sentence', () => {
    const name = () => Object.keys(weight_map)[0]!
    const faults: Record<string, [(folder: string) => Promise<void>, RegExp]> = {
      'where a file is missing': [
        (folder) => rm(join(folder, shardName(1))),
        /index\.json names model-00002-of-00003\.safetensors, which is not there; copy it/,
      ],
      'where the index names a file elsewhere': [
        (folder) => writeIndex(folder, { ...weight_map, x: '../secret.safetensors' }),
        /weight_map\.x: it is no safetensors file of the same folder/,
      ],
      'where the index names a file of another kind': [
        (folder) => writeIndex(folder, { ...weight_map, x: 'pytorch_model-00001-of-00002.bin' }),
        /weight_map\.x: it is no safetensors file of the same folder/,
      ],
      'where a file lacks a tensor': [
        (folder) => writeIndex(folder, { ...weight_map, [name()]: shardName(2) }),
        /says that the tensor .* is in model-00003-of-00003\.safetensors, where it is not/,
      ],
      'where a tensor is in no file': [
        (folder) => writeIndex(folder, { ...weight_map, 'h.9.x': shardName(2) }),
        /says that the tensor "h\.9\.x" is in model-00003/,
      ],
      'where two files have a tensor': [
        async (folder) => {
          const read = async (i: number) => readTensors(join(folder, shardName(i)))
          await writeSafetensors(
            join(folder, shardName(2)),
            new Map([...(await read(0)), ...(await read(2))]),
          )
        },
        /model-00003-of-00003\.safetensors has the tensor .*, which .*model-00001-of-00003\.safetensors has too/,
      ],
      'where a file is broken': [
        (folder) => writeFile(join(folder, shardName(0)), 'abc'),
        /model-00001-of-00003\.safetensors is not a sound safetensors file/,
      ],
      'where the index is none': [
        (folder) => writeFile(join(folder, INDEX), '{"weight_map": []}'),
        /index\.json: weight_map: /,
      ],
      'where the index is empty': [
        (folder) => writeIndex(folder, {}),
        /index\.json has no tensor transformer\.wte\.weight/,
      ],
    }
    for (const [what, [harm, message]] of Object.entries(faults))
      it(what, async () => {
        const folder = await copy()
        await harm(folder)
        const error = await rejection(openModelFolder(folder))
        expect(error).to.be.instanceOf(UserError)
        expect(error.message).to.match(message)
      })
  })
})

describe('a BERT that was saved without a pooler', () => {
  const POOLER = ['bert.pooler.dense.weight', 'bert.pooler.dense.bias']
  let place: string
  let given: string
  before(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-pooler-'))
    given = join(place, 'given')
    await cp(bertFixture('model'), given, { recursive: true })
    const tensors = await readTensors(join(given, WHOLE))
    for (const name of POOLER) tensors.delete(name)
    // A masked language model has a head of its own instead.
    tensors.set('cls.predictions.bias', { shape: [2], data: new Float32Array(2) })
    await writeSafetensors(join(given, WHOLE), tensors)
  })
  after(() => rm(place, { recursive: true }))

  async function placed(seed: number) {
    const folder = await mkdtemp(join(place, 'run-'))
    expect(await placeModel({ model: given, seed }, folder)).to.deep.equal(POOLER)
    return readTensors(join(folder, WHOLE))
  }

  it('gets one for training, from the seed', async () => {
    const [tensors, again, other] = [await placed(3), await placed(3), await placed(4)]
    expect(tensors).to.deep.equal(again)
    const theirs = await readTensors(bertFixture('model', WHOLE))
    for (const [name, tensor] of tensors)
      if (!POOLER.includes(name)) expect(tensor, name).to.deep.equal(theirs.get(name))
    const [weight, bias] = POOLER.map((name) => tensors.get(name)!.data) as [Float32Array, Float32Array]
    const deviation = Math.sqrt(weight.reduce((sum, w) => sum + w * w, 0) / weight.length)
    // 256 draws of standard deviation 0.02: that of their deviation is 0.0009.
    expect(deviation).to.be.closeTo(0.02, 0.004)
    expect([...bias]).to.deep.equal(Array(16).fill(0))
    expect(other.get(POOLER[0]!)).to.not.deep.equal(tensors.get(POOLER[0]!))
    expect((await stat(join(given, WHOLE))).nlink).to.equal(1)
  })

  it('is refused where it is to be used as it is', async () => {
    expect((await rejection(openModelFolder(given))).message).to.match(/has no tensor bert\.pooler/)
  })
})

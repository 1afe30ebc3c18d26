import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { backboneShapes, HEAD, headShapes } from '../../graphs/models/encoder.ts'
import { languageHead } from '../../graphs/models/head.ts'
import { classifierConfig, readHead } from '../../src/formats/classifier_config.ts'
import { findModel } from '../../src/models/find_model.ts'
import { writeModelFolder } from '../../src/formats/model_folder.ts'
import { openGpt2Folder } from '../gpt2_folder.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { classifierFixture, FIXTURE_CLASSES } from '../graphs/classification_fixtures.ts'
import { fixture } from '../graphs/gpt2_fixtures.ts'
import { tiny } from '../graphs/tiny_gpt2.ts'

const theirs = classifierFixture('model')
const readConfig = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>

describe('formats/classifier_config', () => {
  it('reads the classes of a classifier that transformers saved, and none of a language model', async () => {
    const head = { kind: 'classes', classes: FIXTURE_CLASSES, pooling: 'last', dropout: 0 }
    expect(await readHead(theirs)).to.deep.equal(head)
    expect(await findModel(theirs)).to.deep.include({ base: theirs, head })
    expect(await readHead(fixture('model'))).to.deep.equal(languageHead)
    expect(await findModel(fixture('model'))).to.not.have.property('head')
  })

  it('writes what transformers writes, and the pooling where that is not its own', async () => {
    await withFolder(async (folder) => {
      const { config } = await openGpt2Folder(fixture('model'))
      const tensors = await readTensors(join(theirs, 'model.safetensors'))
      for (const pooling of ['last', 'mean'] as const) {
        const out = join(folder, pooling)
        await writeModelFolder(out, {
          config,
          tensors,
          head: { kind: 'classes', classes: FIXTURE_CLASSES, pooling, dropout: 0 },
        })
        const [ours, expected] = [await readConfig(out), await readConfig(theirs)]
        for (const key of ['id2label', 'label2id', 'pad_token_id', 'n_embd'])
          expect(ours[key], key).to.deep.equal(expected[key])
        // What transformers would compute otherwise must not pass for one of its models.
        for (const key of ['architectures', 'model_type'])
          if (pooling === 'last') expect(ours[key], key).to.deep.equal(expected[key])
          else expect(ours[key], key).to.not.deep.equal(expected[key])
        expect(ours['ortune_pooling']).to.equal(pooling === 'last' ? undefined : pooling)
        expect(await readHead(out)).to.deep.equal({
          kind: 'classes',
          classes: FIXTURE_CLASSES,
          pooling,
          dropout: 0,
        })

        const shapes = new Map([...backboneShapes(config), ...headShapes(config, FIXTURE_CLASSES.length)])
        const opened = await openGpt2Folder(out, () => shapes)
        expect(await readStored(opened.tensors)).to.deep.equal(
          new Map([...shapes.keys()].map((name) => [name, tensors.get(name)])),
        )
        expect([...opened.tensors.keys()]).to.include(HEAD)
      }
    })
  })

  it("pads a reward model's texts with another token than the end of text that they end in", () => {
    const config = { ...tiny, eos_token_id: 9 }
    const pooled = { pooling: 'last', dropout: 0 } as const
    const paddedWith = (head: Parameters<typeof classifierConfig>[1], eos_token_id = 9) =>
      classifierConfig({ ...config, eos_token_id }, head)['pad_token_id']
    expect(paddedWith({ kind: 'classes', classes: ['no', 'yes'], ...pooled })).to.equal(9)
    expect(paddedWith({ kind: 'score', ...pooled })).to.equal(0)
    expect(paddedWith({ kind: 'score', ...pooled }, 0)).to.equal(1)
  })

  const broken: [object, RegExp][] = [
    [{ id2label: { 0: 'a', 2: 'b' } }, /id2label must name the classes/],
    [{ id2label: { 0: 'a', 1: '' } }, /config\.json: id2label\.1: /],
    [
      { id2label: { 0: 'a', 1: 'b', 2: 'a' } },
      /config\.json: the classes 0 and 2 are both called "a"; give each/,
    ],
    [{ id2label: { 0: 1, 1: '1' } }, /the classes 0 and 1 are both called "1"/],
    [{ id2label: { 1: 'LABEL_0' } }, /the classes 0 and 1 are both called "LABEL_0"/],
    [{ id2label: ['a', 'b'] }, /config\.json: id2label: /],
    [{ ortune_pooling: 'first' }, /config\.json: ortune_pooling: /],
  ]
  for (const [changes, message] of broken)
    it(`refuses ${JSON.stringify(changes, (_, value: unknown) => value ?? 'missing')}`, async () => {
      await withFolder(async (folder) => {
        const config = { ...(await readConfig(theirs)), ...changes }
        await writeFile(join(folder, 'config.json'), JSON.stringify(config))
        expect(await userError(() => readHead(folder))).to.match(message)
      })
    })
})

import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { ClassesHead } from '../../graphs/models/head.ts'
import { classifierGraph } from '../../graphs/tasks/classification.ts'
import { collateEncoder } from '../../src/data/batches/collate_encoder.ts'
import { readHead } from '../../src/formats/classifier_config.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { findModel } from '../../src/models/find_model.ts'
import { openFoundModel } from '../../src/models/open_found_model.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { runHere } from '../cli/run_cli.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { classifierFixture } from '../graphs/classification_fixtures.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createTinyRun } from '../training/tiny_run.ts'

const theirs = classifierFixture('model')

/** Replaces keys of a folder's config.json; those that are undefined are left out. */
async function changeConfig(folder: string, changes: object): Promise<void> {
  const path = join(folder, 'config.json')
  const known = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, JSON.stringify({ ...known, ...changes }))
}

/** The fixtures' classifier of three classes with another config.json. */
const withConfig = <T>(changes: object, use: (folder: string) => Promise<T>): Promise<T> =>
  withFolder(async (folder) => {
    const model = join(folder, 'model')
    await cp(theirs, model, { recursive: true })
    await changeConfig(model, changes)
    return use(model)
  })

const classesWith = async (changes: object) => ((await withConfig(changes, readHead)) as ClassesHead).classes

describe('heads of model folders', () => {
  const none = { id2label: undefined, label2id: undefined, num_labels: undefined }
  const names: [object, readonly string[]][] = [
    [none, ['LABEL_0', 'LABEL_1', 'LABEL_2']],
    [{ ...none, num_labels: 3 }, ['LABEL_0', 'LABEL_1', 'LABEL_2']],
    [{ ...none, id2label: null, label2id: { a: 2, b: 0, c: 1 } }, ['b', 'c', 'a']],
    [{ ...none, id2label: { 0: 'a', 2: 'c' } }, ['a', 'LABEL_1', 'c']],
    [{ ...none, id2label: { 2: 'c', 1: 'b', 0: 'a' } }, ['a', 'b', 'c']],
    [{ ...none, id2label: { 0: 1, 1: 2, 2: 3 } }, ['1', '2', '3']],
    [{ id2label: { 0: 'a', 1: 'b', 2: 'c' }, label2id: { LABEL_0: 0 } }, ['a', 'b', 'c']],
  ]
  for (const [changes, classes] of names)
    it(`have the classes ${classes.join(', ')} by ${JSON.stringify(changes)}`, async () => {
      expect(await classesWith(changes)).to.deep.equal(classes)
    })

  it('are refused where a class has a number that the head has not', async () => {
    for (const id2label of [{ 1: 'a', 2: 'b', 3: 'c' }, { 0: 'a', 7: 'b' }, { first: 'a' }])
      expect(await userError(() => classesWith({ ...none, id2label }))).to.match(
        /id2label must name the classes "0" to "2", and names "(3|7|NaN)"/,
      )
  })

  it('tell classes, labels and values apart by problem_type, and a score from a value', async () => {
    const kind = async (changes: object) => (await withConfig(changes, readHead)).kind
    expect(await kind({ problem_type: null })).to.equal('classes')
    expect(await kind({ problem_type: 'single_label_classification' })).to.equal('classes')
    expect(await kind({ problem_type: 'multi_label_classification' })).to.equal('labels')
    expect(await kind({ problem_type: 'regression' })).to.equal('values')
    const one = { id2label: { 0: 'LABEL_0' } }
    expect(await kind({ ...one, problem_type: undefined })).to.equal('score')
    expect(await kind({ ...one, problem_type: 'regression' })).to.equal('values')
    expect(await kind({ id2label: { 0: 'reward' }, problem_type: 'regression' })).to.equal('score')
    expect(await kind({ ...one, problem_type: 'multi_label_classification' })).to.equal('labels')
  })

  it('pool the token that transformers pools, where texts end in the padding', async () => {
    const path = join(import.meta.dirname, '..', 'fixtures', 'model_folders', 'pooling.json')
    const { rows, cases } = JSON.parse(await readFile(path, 'utf8')) as {
      readonly rows: readonly (readonly number[])[]
      readonly cases: readonly {
        readonly pad_token_id: number
        readonly logits: readonly (readonly number[])[]
      }[]
    }
    for (const { pad_token_id, logits } of cases)
      await withConfig({ pad_token_id }, async (model) => {
        const { session, parameters, config } = await openFoundModel(
          await findModel(model),
          (request) => classifierGraph({ ...request, lora: 'none', classes: 3, pooling: 'last' }),
          nodeRuntime(),
        )
        const examples = rows.map((row) => ({ input_ids: Int32Array.from(row) }))
        const { input_ids, attention_mask } = collateEncoder(examples, { config, pooling: 'last' })
        const found = await session.run({
          input_ids: input_ids!,
          attention_mask: attention_mask!,
          ...parameters,
        })
        found['logits']!.data.forEach((value, i) =>
          expect(value, `pad ${pad_token_id}, row ${Math.floor(i / 3)}`).to.be.closeTo(
            logits.flat()[i]!,
            1e-5,
          ),
        )
        await session.release()
      })
  })

  it('are trained on the token that they pool afterwards', async () => {
    const rows = [[70, 22, 96, 96], [96], [70, 96, 5]].map((row) => ({ input_ids: Int32Array.from(row) }))
    const positions = async (pad_token_id: number | null) =>
      withConfig({ pad_token_id }, async (model) => {
        const config = await readModelConfig(model)
        return [...collateEncoder(rows, { config, pooling: 'last' })['pool_positions']!.data].map(Number)
      })
    expect(await positions(96)).to.deep.equal([1, 4, 10])
    expect(await positions(null)).to.deep.equal([3, 4, 10])
    expect(await positions(-1)).to.deep.equal([3, 4, 10])
  })

  it('of labels and values are shown by `ortune classify` as what they are', async () => {
    await withFolder(async (folder) => {
      const rows = ['bad', 'good', 'neither'].map((label) => ({ text: `a ${label} thing`, label }))
      const { run } = await createTinyRun(folder, rows, { task: 'classification', max_steps: 1 })
      await continueRun(run)
      const out = join(folder, 'merged')
      expect((await runHere(folder, 'merge', run, '--out', out)).code).to.equal(0)
      const classify = async (...flags: string[]) => {
        const { code, stdout, stderr } = await runHere(
          folder,
          'classify',
          out,
          '--text',
          'It is',
          '--json',
          ...flags,
        )
        expect(code, stderr).to.equal(0)
        return JSON.parse(stdout) as {
          readonly texts: [
            Record<'classes' | 'values', { name: string; probability: number; value: number }[]>,
          ]
        } & Record<string, unknown>
      }
      const odds = (p: number) => Math.log(p / (1 - p))
      const single = new Map(
        (await classify()).texts[0].classes.map((c) => [c.name, Math.log(c.probability)]),
      )
      const reference = single.get('bad')!

      await changeConfig(out, { problem_type: 'multi_label_classification' })
      const multi = await classify('--threshold', '0.4')
      expect(multi).to.deep.include({ kind: 'labels', threshold: 0.4 })
      const probabilities = new Map(multi.texts[0].classes.map((c) => [c.name, c.probability]))
      for (const [name, p] of probabilities)
        expect(odds(p) - odds(probabilities.get('bad')!)).to.be.closeTo(single.get(name)! - reference, 1e-5)
      const has = [...probabilities].filter(([, p]) => p >= 0.4).map(([name]) => name)
      expect(multi.texts[0]).to.deep.include({ labels: has })
      expect((await runHere(folder, 'classify', out, '--text', 'It is')).stdout).to.match(
        /^It is\n( {2}\w+ +\d+\.\d %( {2}yes)?\n){3}$/,
      )

      // What is written again is still one.
      const again = join(folder, 'again')
      expect((await runHere(folder, 'merge', out, '--out', again)).code).to.equal(0)
      expect(await readHead(again)).to.deep.equal(await readHead(out))
      expect((await readHead(again)).kind).to.equal('labels')

      await changeConfig(out, { problem_type: 'regression' })
      const values = new Map((await classify()).texts[0].values.map((c) => [c.name, c.value]))
      for (const [name, value] of values)
        expect(value - values.get('bad')!).to.be.closeTo(single.get(name)! - reference, 1e-5)
      const refused = await runHere(folder, 'classify', out, '--text', 'a', '--threshold', '0.4')
      expect(refused.code).to.equal(2)
      expect(refused.stderr).to.match(/is no multi-label classifier/)
    })
  })
})

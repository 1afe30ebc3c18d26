import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'
import { parse } from 'yaml'

import { exportModel } from '../../src/exports/export_model.ts'
import { readCard } from '../../src/formats/model_card.ts'
import { findModel } from '../../src/models/find_model.ts'
import { createRun } from '../../src/runs/create.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = ['a dog', 'the sea', 'a tree', 'it rains'].map((text) => ({ text }))
const quick = { max_steps: 4, eval_steps: 2, threads: 1, template: { text: '{{ text }}' } }

/** The settings that a card shows. */
const settingsOf = (text: string): object => parse(/```yaml\n([\s\S]*?)```/.exec(text)![1]!) as object

async function trainedRun(folder: string, config: object = {}): Promise<string> {
  const { run } = await createTinyRun(folder, rows, { ...quick, ...config })
  await continueRun(run)
  return run
}

describe('the model card of a checkpoint', () => {
  it('says base, library, task and data where tools look for them', () =>
    withFolder(async (folder) => {
      const run = await trainedRun(folder)
      const { metadata, text } = (await readCard(join(run, 'checkpoints', 'best')))!
      expect(metadata).to.deep.equal({
        base_model: 'model',
        library_name: 'peft',
        pipeline_tag: 'text-generation',
        datasets: ['rows.jsonl', 'rows.jsonl'],
        tags: ['ortune', 'sft', 'lora'],
      })
      expect(text).to.include('states no licence')
      expect(text).to.include('4 rows for training, 4 rows for validation')
      expect(text, 'no folder of this machine').not.to.include(folder)
    }))

  it('has the figures before training and at its step, as the log has them', () =>
    withFolder(async (folder) => {
      const run = await trainedRun(folder)
      const { text } = (await readCard(join(run, 'checkpoints', 'last')))!
      const log = (await readFile(join(run, 'log.jsonl'), 'utf8')).trim().split('\n')
      const losses = log
        .map((line) => JSON.parse(line) as Record<string, number>)
        .filter((record) => 'eval_loss' in record)
      expect(text).to.include('|  | before training | step 4 |')
      const [first, last] = [losses[0]!, losses.at(-1)!].map((record) => record['eval_loss']!.toPrecision(4))
      expect(text).to.include(`| loss | ${first} | ${last} |`)
    }))

  it('shows settings that make the same run again', () =>
    withFolder(async (folder) => {
      const run = await trainedRun(folder, { lora: { r: 2, lora_alpha: 6 }, weight_decay: 0.1 })
      const { text } = (await readCard(join(run, 'checkpoints', 'best')))!
      const kept = await readRunConfig(run)
      const { data, model, output_dir, threads } = kept
      const again = readConfig({ ...settingsOf(text), data, model, output_dir, threads })
      expect({ ...kept, ...again }).to.deep.equal(kept)
      await createRun({ ...again, output_dir: join(folder, 'again') })
      await continueRun(join(folder, 'again'))
      const weights = (of: string) => readFile(join(of, 'checkpoints/best/adapter_model.safetensors'))
      expect((await weights(join(folder, 'again'))).equals(await weights(run))).to.equal(true)
    }))

  it("has the base model's licence, and goes with what is exported", () =>
    withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, rows, quick)
      expect((await readCard(model)) ?? null).to.equal(null)
      const card = '---\nlicense: other\nlicense_name: my-licence\nlanguage: en\n---\n\n# A base\n'
      await writeFile(join(model, 'README.md'), card)
      const licensed = join(folder, 'licensed')
      await createRun({ ...(await readRunConfig(run)), output_dir: licensed })
      await continueRun(licensed)
      const out = join(folder, 'merged')
      await exportModel({ model: await findModel(licensed), out })
      const expected = { license: 'other', license_name: 'my-licence', base_model: 'model' }
      expect((await readCard(join(licensed, 'checkpoints', 'best')))!.metadata).to.include(expected)
      expect((await readCard(out))!.metadata).to.include({ ...expected, library_name: 'transformers' })
      // A card that cannot be read is somebody else's, and no reason to stop.
      await writeFile(join(model, 'README.md'), '---\nlicense: [\n---\n')
      await createRun({ ...(await readRunConfig(run)), output_dir: join(folder, 'broken') })
    }))

  it('of all parameters is read by transformers, and that of a head alone by ortune', () =>
    withFolder(async (folder) => {
      const full = await trainedRun(join(folder, 'full'), { lora: 'full' })
      expect((await readCard(join(full, 'checkpoints', 'best')))!.metadata).to.include({
        library_name: 'transformers',
      })
    }))
})

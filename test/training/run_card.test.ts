import { existsSync } from 'node:fs'
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
import { runCard } from '../../src/runs/run_card.ts'
import { readRunManifest } from '../../src/runs/run_manifest.ts'
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
        datasets: ['rows.jsonl'],
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

  const changedRows = (text: string): string[] =>
    text.split('\n').filter((line) => /^\| \d+ \| \w+ \|/.test(line))

  it('tells what was changed on the way, by resume or by hand, and does not say then that its settings make it again', () =>
    withFolder(async (folder) => {
      const run = await trainedRun(folder)
      const card = async () => (await readCard(join(run, 'checkpoints', 'last')))!.text
      expect(await card()).to.include('trains it again')
      await continueRun(run, undefined, { changes: { max_steps: 6, learning_rate: 0.01, threads: 2 } })
      const first = await card()
      expect(first).not.to.include('trains it again')
      expect(first).to.include('makes another model')
      expect(settingsOf(first)).to.include({ max_steps: 6, learning_rate: 0.01 })
      const began = [...changedRows(first)]
      expect(began[0]).to.equal('| 4 | max_steps | 4 | 6 |')
      expect(began[1]).to.match(/^\| 4 \| learning_rate \| \S+ \| 0\.01 \|$/)
      // Where it is computed is no part of what is learned, but of which bits come of it.
      expect(began[2]).to.equal('| 4 | threads | 1 | 2 |')
      expect(began).to.have.length(3)
      const path = join(run, 'training.json')
      const edited = { ...(JSON.parse(await readFile(path, 'utf8')) as object), max_steps: 8 }
      await writeFile(path, JSON.stringify(edited))
      await continueRun(run)
      expect(changedRows(await card())).to.deep.equal([...began, '| 6 | max_steps | 6 | 8 |'])
      expect(settingsOf(await card())).to.include({ max_steps: 8 })
    }))

  it('says nothing of what was changed before the first step, nor of where it is computed', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, quick)
      await continueRun(run, undefined, { changes: { max_steps: 5, threads: 2 } })
      const { text } = (await readCard(join(run, 'checkpoints', 'last')))!
      expect(text).to.include('trains it again')
      expect(settingsOf(text)).to.include({ max_steps: 5 })
      expect(existsSync(join(run, 'changes.json'))).to.equal(false)
    }))

  it('shows how to use a checkpoint, and an export as one', () =>
    withFolder(async (folder) => {
      const run = await trainedRun(folder)
      const { text } = (await readCard(join(run, 'checkpoints', 'best')))!
      expect(text).to.include('npx ortune generate model --adapter folder --prompt "…"')
      expect(text).to.include(
        'PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("model"), "folder")',
      )
      const out = join(folder, 'merged')
      await exportModel({ model: await findModel(run), out })
      const exported = (await readCard(out))!.text
      expect(exported.match(/^## How to use it$/gm)).to.have.length(1)
      expect(exported).to.include('npx ortune generate folder --prompt "…"')
      expect(exported).to.include('pipeline("text-generation", model="folder")')
      expect(exported).to.include("pipeline('text-generation', 'folder', { dtype: 'fp32' })")
      expect(exported).not.to.include('PeftModel')
      expect(exported).to.include('## Data')
    }))

  it("names a policy's reward so that a stranger knows it", () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, quick)
      const { model, output_dir, data } = await readRunConfig(run)
      const manifest = await readRunManifest(run)
      const card = (reward: object) => {
        const config = {
          ...readConfig({ model, output_dir, data, task: 'ppo', ppo: { reward } }),
          learning_rate: 1,
        }
        return runCard({ config, manifest, changes: [], rows: {}, step: 1, evaluations: [] }).text
      }
      const cases: readonly [object, string, object][] = [
        [{ function: '/home/me/short.ts' }, 'the function in `short.ts`', { function: 'short.ts' }],
        [{ model: '/home/me/runs/reward' }, 'the reward model `reward`', { model: 'reward' }],
        [
          { model: '/home/me/runs/reward/checkpoints/best', files: { 'config.json': 'a'.repeat(64) } },
          'the reward model `reward/checkpoints/best`',
          { model: 'reward/checkpoints/best' },
        ],
        [{ metric: 'rouge1' }, 'the metric rouge1', { metric: 'rouge1' }],
      ]
      for (const [reward, says, shown] of cases) {
        expect(card(reward)).to.include(says)
        expect(card(reward)).not.to.include('/home')
        expect((settingsOf(card(reward)) as { ppo: { reward: object } }).ppo.reward).to.deep.equal(shown)
      }
    }))
})

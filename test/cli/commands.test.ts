import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { writeTinyModel, writeWords } from '../tiny_model.ts'
import type { Outcome } from './run_cli.ts'
import { runAlone, runHere } from './run_cli.ts'

const config = `
model: model
output_dir: run
data: [{ path: words.csv, split: { column: split } }]
template: { prompt: 'Word: {{ word }} ;', completion: ' {{ definition }}' }
max_steps: 6
eval_steps: 2
learning_rate: 1e-2
lora: { r: 4 }
`

/** What the commands' JSON results hold, as far as it is looked into here. */
interface Result {
  readonly splits: { readonly train: object }
  readonly examples: readonly { readonly segments: readonly object[] }[]
  readonly best_metric: number
  readonly compared: readonly object[]
  readonly generation: { readonly samples: readonly object[] } | null
  readonly loss: number
  readonly perplexity: number
  readonly continuations: readonly { readonly text: string }[]
  readonly parameters: object
  readonly models: object
}

function json({ code, stdout, stderr }: Outcome): Result {
  expect(code, stderr).to.equal(0)
  return JSON.parse(stdout) as Result
}

describe('the ortune command', () => {
  it('goes the whole way: prepare, train, evaluate, generate, merge, inspect', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeWords(join(folder, 'words.csv'))
      await writeFile(join(folder, 'config.yaml'), config)
      const run = async (...args: string[]) => json(await runHere(folder, ...args, '--json'))

      const prepared = await run('prepare', 'config.yaml')
      expect(prepared).to.deep.include({ out: null })
      expect(prepared.splits).to.have.keys('train', 'validation')
      expect(prepared.splits.train).to.include({ examples: 8, skipped: 0 })
      expect(prepared.examples).to.have.length(3)
      const [given, learned] = prepared.examples[0]!.segments
      expect(given).to.deep.include({ text: 'Word: dog ;', learned: false })
      expect(learned).to.deep.include({ text: ' a kind of thing number 0', learned: true })
      const { stdout } = await runHere(folder, 'prepare', 'config.yaml', '--examples', '1')
      expect(stdout)
        .to.include('\n  Word: dog ;⟦ a kind of thing number 0⟧\n\n⟦ … ⟧ carries loss')
        .and.not.include('dog ;\n')
      expect(stdout.match(/^example \d+: \d+ tokens, \d+ with loss$/gm)).to.have.length(1)
      expect(await readdir(folder)).to.not.include('run')

      const trained = json(await runAlone(folder, 'train', 'config.yaml', 'lora.r=2', '--json'))
      expect(trained).to.include({ run: 'run', global_step: 6 })
      const best = await run('evaluate', 'run')
      expect(best).to.include({ checkpoint: 'best', split: 'validation', loss: trained.best_metric })
      const base = await run('evaluate', 'run', '--checkpoint', 'base')
      expect(base.loss).to.be.greaterThan(best.loss)
      expect(base.perplexity).to.equal(Math.exp(base.loss))
      const { compared } = await run('evaluate', 'run', '--baseline')
      expect(compared).to.deep.equal([base, best])
      expect(best.generation!.samples).to.not.be.empty
      expect((await run('evaluate', 'run', '--generate', '0')).generation).to.equal(null)
      const table = await runHere(folder, 'evaluate', 'run', '--baseline')
      expect(table.stdout)
        .to.match(/^ +run \(base\) +run \(best\) +difference$/m)
        .and.match(/^METEOR +[\d.]+ +[\d.]+ +[-+]?[\d.]+$/m)
      const written = JSON.parse(
        await readFile(join(folder, 'run', 'evaluation-base-validation.json'), 'utf8'),
      ) as unknown
      expect(written).to.deep.equal(base)

      const asked = ['--prompt', 'Word: dog ;', '--max-new-tokens', '12']
      const [adapted] = (await run('generate', 'run', ...asked)).continuations
      const merge = await run('merge', 'run', '--out', 'merged')
      expect(merge).to.deep.equal({
        out: 'merged',
        base: 'run',
        adapter: join('run', 'checkpoints', 'best'),
        classes: null,
        notes: [],
      })
      const said = await runHere(folder, 'generate', 'merged', ...asked)
      expect(said.stdout).to.equal(`Word: dog ;${adapted!.text}\n`)
      expect(said.stderr).to.match(/^\d+ tokens, [\d.]+ tokens\/s\n$/)

      const inspected = await run('inspect', 'run')
      expect(inspected.parameters).to.include({ trainable: 768, frozen: 43_904 })
      expect(inspected.models).to.have.keys('training_model.onnx', 'eval_model.onnx', 'optimizer_model.onnx')
    })
  })

  it('exports artifacts, of adapters or of all parameters', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const exported = async (...flags: string[]) =>
        json(await runHere(folder, 'export', '--model', 'model', '--json', ...flags))
      const models = ['training_model.onnx', 'eval_model.onnx', 'optimizer_model.onnx']
      const lora = ['--lora-r', '2', '--lora-targets', 'mlp.c_fc']
      expect(await exported('--out', 'lora', ...lora)).to.deep.equal({
        out: 'lora',
        models,
        parameters: { trainable: 2 * 2 * (32 + 128), frozen: 43_904 },
      })
      expect(await exported('--out', 'full', '--full')).to.deep.equal({
        out: 'full',
        models,
        parameters: { trainable: 43_904, frozen: 0 },
      })
      const bare = join(folder, 'model', 'config.json')
      const random = json(
        await runHere(folder, 'export', '--model', bare, '--out', 'random', '--seed', '7', '--json'),
      )
      expect(random.parameters).to.include({ frozen: 43_904 })
      expect(await readdir(join(folder, 'random'))).to.include.members([
        'tokenizer.json',
        'model.safetensors',
      ])
    })
  })

  it('continues the prompts of a file, and draws the same again from the same seed', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeFile(join(folder, 'prompts.txt'), 'Word: dog ;\n\nThe sea\r\n')
      await writeFile(join(folder, 'prompts.jsonl'), '"one\\ntwo"\n')
      const generate = (...args: string[]) =>
        runHere(folder, 'generate', 'model', '--max-new-tokens', '8', ...args)
      const plain = await generate('--prompt-file', 'prompts.txt')
      expect(plain.stdout).to.match(/^Word: dog ;[^]*\n\nThe sea[^]*\n$/)
      const drawn = ['--prompt-file', 'prompts.jsonl', '--temperature', '1.5', '--seed', '3']
      const first = await generate(...drawn)
      expect(first.stdout).to.match(/^one\ntwo/)
      expect((await generate(...drawn)).stdout).to.equal(first.stdout)
      expect((await generate('--prompt-file', 'prompts.jsonl')).stdout).to.not.equal(first.stdout)
    })
  })

  it('explains every command with an example', async () => {
    const { stdout } = await runHere('.', '--help')
    const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}\w/gm)].map(([, name]) => name!)
    expect(commands).to.include.members([
      'prepare',
      'export',
      'train',
      'resume',
      'evaluate',
      'generate',
      'merge',
    ])
    for (const command of commands) {
      const help = await runHere('.', command, '--help')
      expect(help.code).to.equal(0)
      expect(help.stdout, command).to.match(new RegExp(`\\nExamples?:\\n {2}(npx )?ortune ${command}`))
    }
  })
})

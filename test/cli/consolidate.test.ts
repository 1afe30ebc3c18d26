import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { Consolidation } from '../../src/exports/consolidate.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel, writeWords } from '../tiny_model.ts'
import { trainTinyConsolidation } from '../training/tiny_consolidation.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'
import { listing, runHere } from './run_cli.ts'

const [text, paraphrase] = ['a dog is an animal', 'dogs are animals']
const asked = ['--text', text, '--paraphrase', paraphrase, '--split', 'validation']

/** A number as the table shows it. */
const NUMBER = String.raw`-?\d+\.\d+`

describe('ortune consolidate', () => {
  it('writes an adapter and shows what it changes, as a table and as JSON', async () => {
    await withFolder(async (folder) => {
      await trainTinyConsolidation(folder)
      const table = await runHere(folder, 'consolidate', 'run', ...asked, '--out', 'update')
      expect(table.code, table.stderr).to.equal(0)
      const json = await runHere(folder, 'consolidate', 'run', ...asked, '--out', 'again', '--json')
      expect(json.code, json.stderr).to.equal(0)
      const result = JSON.parse(json.stdout) as Consolidation
      expect(result.out).to.equal('again')
      expect(result.texts.map((change) => change.text)).to.deep.equal([text])
      expect(result.watched.map((change) => change.text)).to.deep.equal([paraphrase])
      const [learned] = result.texts
      expect(learned!.after).to.be.greaterThan(learned!.before)

      const [heading, ...lines] = table.stdout.split('\n')
      expect(heading).to.match(/^log p in nats +before +after +difference$/)
      const shown = [...result.texts, ...result.watched].map(({ before, after }) => [before, after])
      const shownRows = lines.slice(0, 2).map((line) => line.match(new RegExp(NUMBER, 'g'))!.map(Number))
      expect(lines[0]).to.match(new RegExp(`^${text} +${NUMBER} +${NUMBER} +\\+${NUMBER}$`))
      expect(lines[1]).to.match(new RegExp(`^watched: ${paraphrase} +${NUMBER}`))
      for (const [i, [before, after]] of shown.entries())
        expect(shownRows[i]!.slice(0, 2)).to.deep.equal([before!, after!].map((x) => Number(x.toFixed(2))))
      const { perplexity } = result
      expect(lines[2]).to.match(/^perplexity, validation +\d+\.\d{3} +\d+\.\d{3} +[+-]?\d+\.\d %$/)
      expect(lines[2]).to.include(perplexity.before.toFixed(3)).and.include(perplexity.after.toFixed(3))
      expect(table.stdout).to.include('wrote update\n').and.include('ortune merge run --adapter update')

      const adapter = await readPeftAdapter(join(folder, 'update'))
      expect(adapter).to.include({ r: 4, lora_alpha: 4 })
      expect([...adapter.tensors.keys()]).to.deep.equal(
        ['A', 'B'].map((half) => `transformer.h.1.mlp.c_fc.lora_${half}.weight`),
      )
      expect([...(await readPeftAdapter(join(folder, 'again'))).tensors]).to.deep.equal([...adapter.tensors])

      const merged = await runHere(folder, 'merge', 'run', '--adapter', 'update', '--out', 'merged')
      expect(merged.code, merged.stderr).to.equal(0)
      const continued = ['--prompt', 'a dog', '--max-new-tokens', '8']
      const [permanent, adapted] = [
        await runHere(folder, 'generate', 'merged', ...continued),
        await runHere(folder, 'generate', 'run', '--adapter', 'update', ...continued),
      ]
      expect(permanent.stdout)
        .to.match(/^a dog/)
        .and.equal(adapted.stdout)
    })
  })

  it('says what is wrong in one sentence, with exit code 2 and nothing left behind', async () => {
    await withFolder(async (folder) => {
      await trainTinyConsolidation(folder)
      const { run } = await createTinyRun(join(folder, 'lora'), [{ text }], {
        template: { text: '{{ text }}' },
      })
      await writeBestCheckpoint(run)
      await mkdir(join(folder, 'full'))
      await writeFile(join(folder, 'full', 'mine.txt'), 'precious')
      const before = await listing(folder)
      const mistakes: [args: string[], says: RegExp][] = [
        [['run', ...asked, '--out', 'full'], /full holds files already; name an empty or new folder/],
        [
          ['lora/run', ...asked, '--out', 'out'],
          /lora\/run has no trained plastic blocks; name a run of NPT/,
        ],
        [['run', ...asked, '--checkpoint', 'base', '--out', 'out'], /run has no trained plastic blocks/],
        [['run', '--text', '', '--split', 'validation', '--out', 'out'], /"" has 0 tokens; between 2 and 64/],
        [
          ['run', ...asked, '--paraphrase', 'much '.repeat(70), '--out', 'out'],
          /has \d+ tokens; between 2 and 64 can be remembered/,
        ],
        [['run', '--text', text, '--out', 'out'], /run has no test data; .* name another split/],
        [['run', ...asked, '--fold', 'most', '--out', 'out'], /Allowed choices are mean, last, weighted/],
        [
          ['run', ...asked, '--strength', '-1', '--out', 'out'],
          /'--strength <x>' argument '-1' is invalid\. It must be a number of at least 0/,
        ],
        [['nowhere', ...asked, '--out', 'out'], /nowhere is no training run/],
      ]
      for (const [args, says] of mistakes) await refused(folder, ['consolidate', ...args], says)
      expect(await listing(folder)).to.deep.equal(before)
    })
  })
})

describe('ortune train, given something wrong about plastic blocks', () => {
  it('says so in one sentence, with exit code 2 and nothing left behind', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeWords(join(folder, 'words.csv'))
      await writeFile(
        join(folder, 'config.yaml'),
        `model: model
output_dir: run
data: [{ path: words.csv, split: { column: split } }]
template: { text: '{{ word }}: {{ definition }}' }
max_steps: 1
`,
      )
      const before = await listing(folder)
      const phase1 = ['task=equivalence', 'npt.rank=2']
      const mistakes: [overrides: string[], says: RegExp][] = [
        [['npt.rank=2', 'lora.r=2'], /npt and lora both say what to train; leave one out/],
        [['npt.rank=2', 'lora=full'], /npt and lora both say what to train/],
        [['task=equivalence'], /task equivalence trains plastic blocks; describe them under npt/],
        [['task=consolidation'], /task consolidation trains plastic blocks; describe them under npt/],
        [['npt.rank=2', 'equivalence.hidden_states=student'], /equivalence has options for task equivalence/],
        [['npt.rank=2', 'consolidation.fold=last'], /consolidation has options for task consolidation/],
        [[...phase1, 'npt.layers=[1, 2]'], /NPT layers 1, 2: the model has the layers 0 to 1/],
        [[...phase1, 'npt.layers=[]'], /NPT layers \(none\): the model has the layers 0 to 1/],
        [['npt.rank=2', 'npt.layers=[7]'], /NPT layers 7: the model has the layers 0 to 1/],
        [
          [...phase1, 'npt.layers=middle'],
          /npt: it must name a run .* layers \(all, upper_half, lower_half or/,
        ],
        [[...phase1, 'npt.ranks=3'], /there is no option "npt\.ranks"/],
        [[...phase1, 'equivalence.distillation_weight=1'], /distillation needs hidden_states "student"/],
        [['task=consolidation', 'npt.rank=2', 'packing=true'], /packing is not for task consolidation/],
        [
          [...phase1, 'metric_for_best_model=eval_accuracy'],
          /task equivalence has no metric eval_accuracy; choose eval_loss/,
        ],
        [['npt.from=nowhere'], /nowhere does not exist/],
        [['npt.from=model'], /model has no trained plastic blocks; name a run that trains some/],
      ]
      for (const [overrides, says] of mistakes)
        await refused(folder, ['train', 'config.yaml', ...overrides], says)
      expect(await listing(folder)).to.deep.equal(before)
    })
  })
})

async function refused(folder: string, args: string[], says: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runHere(folder, ...args)
  const what = `ortune ${args.join(' ')}`
  expect(stderr, what).to.match(says)
  expect(stderr, what).to.match(/^(ortune|error): .+\n(\n?\(.+\)\n)*$/)
  expect(code, what).to.equal(2)
  expect(stdout, what).to.equal('')
}

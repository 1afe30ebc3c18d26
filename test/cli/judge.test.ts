import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { Judgement } from '../../src/evaluation/judge.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'
import { listing, runAlone, runHere } from './run_cli.ts'

const rows = ['The sea is', 'who are', 'no', 'e'].map((prompt) => ({
  prompt,
  completion: ` what ${prompt} is`,
}))

/** A reward function that loves length. */
async function writeLengthReward(folder: string): Promise<void> {
  const typed = 'samples.map(({ response }: { response: string }): number => response.length)'
  await writeFile(
    join(folder, 'length.ts'),
    `export default (samples: { response: string }[]): number[] => ${typed}\n`,
  )
}

/** The same beside a trained run. */
async function prepareFolder(folder: string): Promise<void> {
  const { run } = await createTinyRun(folder, rows)
  await writeBestCheckpoint(run)
  await writeLengthReward(folder)
}

describe('ortune judge', () => {
  it('prints a table and writes everything into the run', async () => {
    await withFolder(async (folder) => {
      await prepareFolder(folder)
      const { code, stdout, stderr } = await runAlone(folder, 'judge', 'run', '--reward', 'length.ts')
      expect(code, stderr).to.equal(0)
      expect(stderr).to.equal('')
      const names = ['run/judgement-best-validation.json']
      expect(stdout.endsWith(`all figures and texts: ${names[0]}\n`)).to.equal(true)
      const kept = JSON.parse(await readFile(join(folder, names[0]!), 'utf8')) as Judgement
      const [best, base] = kept.policies

      expect(stdout).to.match(/^ +run \(best\) +run \(base\)$/m)
      const figure = (label: string) => new RegExp(`^ *${label} +(\\S+) +(\\S+)$`, 'm').exec(stdout)!.slice(1)
      expect(figure('mean reward')).to.deep.equal([best, base].map(({ reward }) => reward.mean.toFixed(4)))
      expect(figure('95 % interval, to')).to.deep.equal(
        [best, base].map(({ reward }) => reward.high.toFixed(4)),
      )
      expect(figure('KL per answer, nats')).to.deep.equal([best.kl!.toFixed(3), '0.000'])
      expect(figure('tokens per answer')).to.deep.equal([best, base].map(({ tokens }) => tokens.toFixed(1)))
      expect(figure('ROUGE-L')).to.deep.equal([best, base].map((one) => one.text_metrics!.rougeL.toFixed(4)))
      expect(figure('distinct-2')).to.deep.equal([best, base].map(({ distinct2 }) => distinct2.toFixed(4)))
      const { wins, ties, losses, rate } = kept.win_rate
      expect(stdout).to.include(
        `\nrun (best) wins ${(100 * rate).toFixed(1)} % against run (base) (95 % interval `,
      )
      expect(stdout)
        .to.include(`4 prompts: ${wins} won, ${losses} lost, ${ties} tied, which count half; rewards by the`)
        .and.include('here of greedy answers\n')
      expect(stdout.match(/^prompt .+\nrun \(best\) .+\nrun \(base\) .+\npreferred .+$/gm)).to.have.length(3)
    })
  })

  it('prints JSON, judges another model, and draws at random on request', async () => {
    await withFolder(async (folder) => {
      await prepareFolder(folder)
      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await runHere(folder, 'judge', 'run', ...args, '--json')
        expect(code, stderr).to.equal(0)
        return JSON.parse(stdout) as Judgement
      }
      const drawn = ['--temperature', '1.5', '--seed', '2', '--prompts', '3', '--max-new-tokens', '6']
      const result = await json('model', '--reward', 'rougeL', ...drawn)
      expect(result.policies.map(({ name }) => name)).to.deep.equal(['run (best)', 'model'])
      expect(result).to.include({ reward: 'the metric rougeL', prompts: 3, seed: 2, max_new_tokens: 6 })
      expect(result.sampling).to.include({ do_sample: true, temperature: 1.5, top_k: 0 })
      const kept = await readFile(join(folder, 'run', 'judgement-best-validation.json'), 'utf8')
      expect(JSON.parse(kept)).to.deep.equal(result)

      const { run } = await createTinyRun(join(folder, 'other'), rows)
      await writeBestCheckpoint(run)
      const { win_rate, policies, sampling } = await json('other/run/checkpoints/best', '--reward', 'rougeL')
      expect(win_rate).to.include({ ties: 4, rate: 0.5 })
      expect(policies[1].kl).to.equal(policies[0].kl)
      expect(sampling.do_sample).to.equal(false)
    })
  })

  it('scores by what the run was trained on, and keeps every judgement', async () => {
    await withFolder(async (folder) => {
      const ppo = { reward: { function: join(folder, 'length.ts') }, max_new_tokens: 6 }
      await writeLengthReward(folder)
      const { run } = await createTinyRun(folder, rows, { task: 'ppo', ppo })
      await writeBestCheckpoint(run)
      const kept = async () => (await readdir(run)).filter((name) => name.startsWith('judgement')).sort()
      const first = await runHere(folder, 'judge', 'run', '--json')
      expect(first.code, first.stderr).to.equal(0)
      const judgement = JSON.parse(first.stdout) as Judgement
      expect(judgement.reward).to.include('length.ts')
      for (const { reward, text } of judgement.samples.flatMap(({ answers }) => answers))
        expect(reward).to.be.at.least(text.length)
      const second = await runHere(folder, 'judge', 'run', '--reward', 'rougeL', '--seed', '3')
      expect(second.stdout).to.match(/all figures and texts: run\/judgement-best-validation-2\.json\n$/)
      await runHere(folder, 'judge', 'run', '--out', 'mine.json')
      expect(await kept()).to.deep.equal([
        'judgement-best-validation-2.json',
        'judgement-best-validation.json',
      ])
      const again = await runHere(folder, 'judge', 'run', '--out', 'mine.json')
      expect(again.stderr).to.match(/^ortune: mine\.json is there already and is kept/)
      expect(JSON.parse(await readFile(join(folder, 'mine.json'), 'utf8'))).to.deep.equal(judgement)
    })
  })

  it('keeps the answers where scoring them fails', async () => {
    await withFolder(async (folder) => {
      await prepareFolder(folder)
      await writeFile(join(folder, 'broken.mjs'), "export default () => { throw new Error('no') }\n")
      const { code, stdout, stderr } = await runHere(folder, 'judge', 'run', '--reward', 'broken.mjs')
      expect([code, stdout]).to.deep.equal([2, ''])
      expect(stderr).to.match(/The answers so far are kept in run\/judgement-validation\.answers\.jsonl\.\n/)
      const lines = await readFile(join(folder, 'run', 'judgement-validation.answers.jsonl'), 'utf8')
      const answers = lines
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { prompt: string })
      expect(answers.map(({ prompt }) => prompt)).to.have.members(rows.map(({ prompt }) => prompt))
      // Once a judgement is whole, it has them.
      await runHere(folder, 'judge', 'run', '--reward', 'rougeL')
      expect(await readdir(join(folder, 'run'))).to.not.include('judgement-validation.answers.jsonl')
    })
  })

  it('takes a folder for a reward model, even one that is called as a metric', async () => {
    await withFolder(async (folder) => {
      await prepareFolder(folder)
      await mkdir(join(folder, 'rougeL'))
      const { code, stderr } = await runHere(folder, 'judge', 'run', '--reward', 'rougeL')
      expect(stderr).to.match(/^ortune: rougeL has neither config\.json/)
      expect(code).to.equal(2)
    })
  })

  it('says what is wrong in one sentence, with exit code 2 and nothing written', async () => {
    await withFolder(async (folder) => {
      await prepareFolder(folder)
      const before = await listing(folder)
      const mistakes = [
        [['run'], /run is of task sft, which learns from no reward; name what scores answers by --reward/],
        [
          ['run', '--reward', 'rouge3'],
          /--reward rouge3 is neither the folder of a reward model, nor a metric \(rouge1, .*\), nor a \.ts, \.js or \.mjs file/,
        ],
        [['run', '--reward', 'nowhere.ts'], /nowhere\.ts is missing/],
        [['run', '--reward', 'model'], /model/],
        [['run', 'run', '--reward', 'rouge1'], /run \(best\) would be judged against itself/],
        [['run', 'length.ts', '--reward', 'rouge1'], /length\.ts is a file; name the folder/],
        [['model', '--reward', 'rouge1'], /model is no training run/],
        [['run', '--reward', 'rouge1', '--split', 'test'], /run has no test data/],
        [['run', '--reward', 'rouge1', '--split', 'train'], /Allowed choices are validation, test/],
        [['run', '--reward', 'rouge1', '--prompts', '0'], /'--prompts <n>' argument '0' is invalid/],
      ] as const
      for (const [args, says] of mistakes) {
        const { code, stdout, stderr } = await runHere(folder, 'judge', ...args)
        expect(stderr, args.join(' ')).to.match(says)
        expect(stderr).to.match(/^(ortune|error): .+\n(\n?\(.+\)\n)*$/)
        expect([code, stdout]).to.deep.equal([2, ''])
      }
      expect(await listing(folder)).to.deep.equal(before)
    })
  })
})

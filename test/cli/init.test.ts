import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'
import { parse } from 'yaml'

import type { TaskName } from '../../src/tasks/index.ts'
import { TASK_NAMES, taskNamed } from '../../src/tasks/index.ts'
import type { DataKindName } from '../../src/data/kinds/index.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { listing, runAlone, runHere } from './run_cli.ts'

/** Rows of each kind of data. */
const rowsOf: Readonly<Record<DataKindName, (i: number) => Readonly<Record<string, string>>>> = {
  sft: (i) => ({ question: `What is ${i}?`, answer: `The number ${i}` }),
  classification: (i) => ({ text: `this is ${i}`, label: i % 2 === 0 ? 'even' : 'odd' }),
  preference: (i) => ({ prompt: `Count to ${i}:`, chosen: ` up to ${i}`, rejected: ` no` }),
  unpaired: (i) => ({ prompt: `Is it ${i}?`, completion: ` it is ${i}`, label: String(i % 3 === 0) }),
  prompt: (i) => ({ prompt: `Count to ${i}:`, completion: ` up to ${i}` }),
}

/** The task that each kind of data is for, where nothing is said. */
const proposed: Readonly<Record<DataKindName, TaskName>> = {
  sft: 'sft',
  classification: 'classification',
  preference: 'dpo',
  unpaired: 'kto',
  // An answer is there to be learned, too.
  prompt: 'sft',
}

function csv(row: (i: number) => Readonly<Record<string, string>>, rows = 24): string {
  const names = Object.keys(row(0))
  const line = (i: number) => names.map((name) => JSON.stringify(row(i)[name])).join(',')
  return `${names.join(',')}\n${Array.from({ length: rows }, (_, i) => line(i)).join('\n')}\n`
}

interface Written {
  readonly file: string
  readonly guessed: boolean
  readonly config: { readonly task: string; readonly template: object; readonly data: readonly object[] }
  readonly data: readonly { readonly rows: number; readonly columns: readonly { readonly name: string }[] }[]
}

async function init(folder: string, ...args: string[]): Promise<Written> {
  const { code, stdout, stderr } = await runHere(folder, 'init', '--model', 'model', '--json', ...args)
  expect(code, stderr).to.equal(0)
  return JSON.parse(stdout) as Written
}

/** What a task needs whose defaults are for a longer context than the tiny model's. */
const forTinyContext: Partial<Record<TaskName, string[]>> = {
  neuroplastic: ['neuroplastic.max_new_tokens=8'],
  grpo: ['grpo.max_completion_length=8'],
  rloo: ['rloo.max_completion_length=8'],
}

describe('ortune init', () => {
  for (const task of TASK_NAMES)
    it(`writes a file that trains: ${task}`, async () => {
      await withFolder(async (folder) => {
        await writeTinyModel(join(folder, 'model'))
        await writeFile(join(folder, 'rows.csv'), csv(rowsOf[taskNamed(task).learnsFrom]))
        const { file, config, guessed } = await init(folder, '--data', 'rows.csv', '--task', task)
        expect([file, guessed, config.task]).to.deep.equal(['rows.yaml', false, task])
        const text = await readFile(join(folder, file), 'utf8')
        expect(parse(text)).to.deep.equal(config)
        expect(text).to.match(/^# yaml-language-server: \$schema=.*docs\/ortune\.schema\.json\n/)
        expect(
          text.split('\n').filter((line) => line.startsWith('#') && line.length > 80),
        ).to.have.length.below(4)
        const overrides = ['max_steps=2', ...(forTinyContext[task] ?? [])]
        const trained = await runHere(folder, 'train', file, ...overrides, '--json')
        expect(trained.code, trained.stderr).to.equal(0)
        expect(JSON.parse(trained.stdout)).to.include({ global_step: 2, run: 'runs/rows' })
      })
    })

  it('says of every key what it means, and offers others whose # may be taken away', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeFile(join(folder, 'rows.csv'), csv(rowsOf.preference))
      const { file, config } = await init(folder, '--data', 'rows.csv')
      const text = await readFile(join(folder, file), 'utf8')
      for (const key of Object.keys(config)) expect(text).to.match(new RegExp(`^# .*\\n${key}:`, 'm'))
      const offered = Array.from(text.matchAll(/^# (\w+: (?:null|[\d.e-]+))$/gm), ([, line]) => line!)
      expect(offered).to.include.members(['max_length: null', 'seed: 42'])
      const own = text.slice(text.indexOf('\n# dpo:')).replaceAll(/^# ?/gm, '')
      expect((parse(own) as { dpo: object }).dpo).to.include({ beta: 0.1, loss_type: 'sigmoid' })
      const filled = text.replaceAll(/^# (?=(max_length|seed): )/gm, '') + own
      await writeFile(join(folder, 'filled.yaml'), filled)
      expect((await runHere(folder, 'prepare', 'filled.yaml')).stderr).to.match(
        /^Warning: of the pairs validation has 2,.*\n$/,
      )
    })
  })

  for (const [kind, task] of Object.entries(proposed) as [DataKindName, TaskName][])
    it(`tells the task by the columns: ${Object.keys(rowsOf[kind](0)).join(', ')}`, async () => {
      await withFolder(async (folder) => {
        await writeTinyModel(join(folder, 'model'))
        await writeFile(join(folder, 'rows.csv'), csv(rowsOf[kind]))
        expect((await init(folder, '--data', 'rows.csv')).config.task).to.equal(task)
      })
    })

  it('writes a file that is read, and commands to be copied, whatever columns and file are called', () =>
    withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const texts = Array.from({ length: 40 }, (_, i) => `"a text, ${i}",${i % 2 ? 'good' : 'bad'}`)
      await writeFile(join(folder, "it's mine.csv"), `"Review\nText",label\n${texts.join('\n')}\n`)
      const args = ['--model', 'model', '--data', "it's mine.csv", '--yes']
      const { code, stdout, stderr } = await runHere(folder, 'init', ...args)
      expect(code, stderr).to.equal(0)
      expect(stdout).to.include("ortune train 'it'\\''s mine.yaml'")
      const trained = await runHere(folder, 'train', "it's mine.yaml", 'max_steps=1', '--json')
      expect(trained.code, trained.stderr).to.equal(0)
    }))

  it('guesses a template where no form is known, and says so', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const guess = async (name: string, row: (i: number) => Record<string, string>, ...args: string[]) => {
        await writeFile(join(folder, `${name}.csv`), csv(row))
        const { guessed, config, file } = await init(folder, '--data', `${name}.csv`, ...args)
        expect(guessed).to.equal(true)
        expect(await readFile(join(folder, file), 'utf8')).to.match(/^# Guessed, as no known form/m)
        return [config.task, config.template]
      }
      expect(
        await guess('news', (i) => ({ section: i % 2 ? 'sea' : 'land', headline: `the ${i}` })),
      ).to.deep.equal(['classification', { text: '{{ headline }}', label: '{{ section }}' }])
      const order = (i: number) => ({
        'Order Id': `o${i % 4}`,
        Verdict: i % 2 ? 'late' : 'fine',
        Review: `it came ${i} days late`,
        City: ['Rome', 'Oslo', 'Bern'][i % 3]!,
      })
      expect(await guess('orders', order)).to.deep.equal([
        'classification',
        { text: '{{ Review }}', label: '{{ Verdict }}' },
      ])
      expect(await guess('faq', (i) => ({ asked: `who ${i}`, said: `me ${i}` }))).to.deep.equal([
        'sft',
        { prompt: '{{ asked }}', completion: ' {{ said }}<|endoftext|>' },
      ])
      expect(await guess('lines', (i) => ({ line: `who ${i}` }))).to.deep.equal([
        'sft',
        { text: '{{ line }}<|endoftext|>' },
      ])
    })
  })

  it('prefers labels without blanks and texts to identifiers, and says what to give where rows are odd', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const place = (i: number) => (i % 5 === 0 ? '' : i % 2 ? 'sea' : 'land')
      const tidings = (i: number) => ({ id: `a-${1000 + i}`, place: place(i), headline: `the ${i}` })
      await writeFile(
        join(folder, 'two.csv'),
        csv((i) => ({ ...tidings(i), tone: i % 3 ? 'glad' : 'sad' })),
      )
      const { config } = await init(folder, '--data', 'two.csv')
      expect(config.template).to.deep.equal({ text: '{{ headline }}', label: '{{ tone }}' })
      await writeFile(
        join(folder, 'faq.csv'),
        csv((i) => ({ id: String(i), asked: `who ${i}`, said: `me ${i}` })),
      )
      expect((await init(folder, '--data', 'faq.csv')).config.template).to.deep.equal({
        prompt: '{{ asked }}',
        completion: ' {{ said }}<|endoftext|>',
      })
      await writeFile(join(folder, 'one.csv'), csv(tidings))
      const refused = await runHere(folder, 'init', '--model', 'model', '--data', 'one.csv', '--yes')
      expect(refused.code).to.equal(2)
      expect(refused.stderr).to.match(/the label is empty; .*give --odd-rows skip, .* --task\n$/)
      const skipping = await init(folder, '--data', 'one.csv', '--odd-rows', 'skip')
      expect(skipping.config).to.include({ odd_rows: 'skip' })
      expect(skipping.config.template).to.deep.equal({ text: '{{ headline }}', label: '{{ place }}' })
    })
  })

  it('takes a split from a column, from names of files, or draws one that leaves rows to validate on', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const splits = async (...paths: string[]) =>
        (await init(folder, '--data', ...paths, '--out', `${paths.join('-')}.yaml`)).config.data
      const named = (i: number) => ({ ...rowsOf.sft(i), split: i < 20 ? 'train' : 'dev' })
      await writeFile(join(folder, 'named.csv'), csv(named))
      await writeFile(join(folder, 'train.csv'), csv(rowsOf.sft))
      await writeFile(join(folder, 'valid.csv'), csv(rowsOf.sft, 3))
      await writeFile(join(folder, 'few.csv'), csv(rowsOf.sft, 4))
      expect(await splits('named.csv')).to.deep.equal([{ path: 'named.csv', split: { column: 'split' } }])
      expect(await splits('train.csv', 'valid.csv')).to.deep.equal([
        { path: 'train.csv', split: { all: 'train' } },
        { path: 'valid.csv', split: { all: 'validation' } },
      ])
      await splits('few.csv')
    })
  })

  it('says what is wrong in one sentence, and overwrites nothing', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeFile(join(folder, 'rows.csv'), csv(rowsOf.sft))
      await writeFile(join(folder, 'one.csv'), csv(rowsOf.sft, 1))
      await writeFile(join(folder, 'empty.csv'), 'a,b\n')
      await writeFile(
        join(folder, 'prompts.csv'),
        csv((i) => ({ prompt: `who ${i}` })),
      )
      await writeFile(join(folder, 'mine.yaml'), 'precious')
      const before = await listing(folder)
      const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
        [[], /there is no data to learn from; name a file of rows by --data/],
        [['--data', 'nowhere.csv'], /nowhere\.csv does not exist/],
        [['--data', 'empty.csv'], /empty\.csv has no rows/],
        [['--data', 'one.csv'], /one\.csv has too few different rows \(1\)/],
        [['--data', 'rows.csv', '--task', 'dop'], /there is no task "dop"; did you mean "dpo"\?/],
        [
          ['--data', 'rows.csv', '--task', 'dpo'],
          /rows\.csv has the columns "question", "answer", which are of no form that task dpo knows; it learns from chosen and rejected/,
        ],
        [['--data', 'prompts.csv', '--task', 'ppo'], /needs to be told what scores answers; give --reward/],
        [['--data', 'rows.csv', '--reward', 'rougeL'], /--reward has no meaning for task sft/],
        [['--data', 'rows.csv', '--out', 'mine.yaml'], /mine\.yaml is there already and is kept/],
        [['--data', 'rows.csv', '--model', 'nowhere'], /nowhere.* does not exist/],
        [['--data', 'rows.csv', '--out', 'no/where.yaml'], /no\/where\.yaml cannot be written \(ENOENT\)/],
      ]
      for (const [args, says] of mistakes) {
        const { code, stdout, stderr } = await runHere(folder, 'init', '--model', 'model', ...args)
        expect(stderr.split('\n').at(-2), args.join(' '))
          .to.match(says)
          .and.match(/^ortune: /)
        expect([code, stdout]).to.deep.equal([2, ''])
      }
      expect(await listing(folder)).to.deep.equal(before)
      const alone = await runAlone(folder, 'init', '--data', 'rows.csv', '--model', 'model')
      expect(alone.code, alone.stderr).to.equal(0)
      expect(alone.stdout).to.match(/^wrote rows\.yaml\n {2}look {3}ortune prepare rows\.yaml\n/)
    })
  })
})

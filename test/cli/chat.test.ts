import { join } from 'node:path'
import { Readable } from 'node:stream'

import { expect } from 'chai'

import { openGenerator } from '../../src/models/open_generator.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'
import type { Outcome } from './run_cli.ts'
import { runHere } from './run_cli.ts'

/** Runs `ortune chat …args` in this process, with these lines on standard input. */
async function chat(lines: readonly string[], ...args: string[]): Promise<Outcome> {
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!
  const value = Readable.from(lines.map((line) => `${line}\n`))
  Object.defineProperty(process, 'stdin', { value, configurable: true })
  try {
    return await runHere('.', 'chat', ...args)
  } finally {
    Object.defineProperty(process, 'stdin', stdin)
  }
}

/** What a model writes greedily after a prompt, as a reply looks. */
async function replyTo(folder: string, prompt: string, max_new_tokens = 8): Promise<string> {
  const generator = await openGenerator(folder)
  try {
    const [continuation] = await generator.generate([prompt], { max_new_tokens })
    return continuation!.text
  } finally {
    await generator.release()
  }
}

const greedily = ['--greedy', '--max-new-tokens', '8']

describe('ortune chat', () => {
  it("asks for the columns of a run's template, and uses its best checkpoint", async () => {
    await withFolder(async (folder) => {
      const row = { word: 'lamp', definition: 'a light', example: 'a lamp' }
      const { run } = await createTinyRun(folder, [row])
      await writeBestCheckpoint(run)
      const { code, stdout, stderr } = await chat(['lamp', '', 'no'], run, ...greedily)
      expect(stderr).to.equal('')
      const replies = [
        await replyTo(run, 'Word: lamp ; Definition:'),
        await replyTo(run, 'Word: no ; Definition:'),
      ]
      expect(stdout).to.equal(replies.map((text) => `${text.trimStart()}\n`).join(''))
      expect(code).to.equal(0)

      const second = await chat(['lamp', '/exit', 'no'], run, ...greedily, '--template', '2')
      expect(second.stdout).to.equal(`${(await replyTo(run, 'Word: lamp ; Example:')).trimStart()}\n`)
    })
  })

  it('keeps a conversation, and says once when its beginning no longer fits', async () => {
    await withFolder(async (folder) => {
      const messages = [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
      ]
      const template = { user: 'U: {{ content }}', assistant: ' {{ content }}' }
      const { run, model } = await createTinyRun(folder, [{ messages }], { template })
      const said = ['who are', 'e', 'no', 'two words', 'tree', 'd', 'yes']
      const { stdout, stderr } = await chat(said, run, '--checkpoint', 'base', ...greedily)
      expect(stderr).to.equal('The context is full: the oldest turns are forgotten from now on.\n')
      const first = await replyTo(model, 'U: who are')
      expect(stdout.startsWith(`${first.trimStart()}\n`)).to.equal(true)
      expect(stdout.slice(first.trimStart().length + 1)).to.not.equal('')
    })
  })

  it('continues texts with a model alone, drawn anew from each seed', async () => {
    await withFolder(async (folder) => {
      const model = join(folder, 'model')
      await writeTinyModel(model)
      const { stdout } = await chat(['who are', '', 'The sea is'], model, ...greedily)
      const texts = await Promise.all(['who are', 'The sea is'].map((text) => replyTo(model, text)))
      expect(stdout).to.equal(`who are${texts[0]}\nThe sea is${texts[1]}\n`)
      const drawn = (seed: string) => chat(['who are'], model, '--max-new-tokens', '8', '--seed', seed)
      const one = await drawn('1')
      expect((await drawn('1')).stdout).to.equal(one.stdout)
      expect((await drawn('2')).stdout).to.not.equal(one.stdout)
    })
  })

  it('prints a line of JSON for each reply, and nothing else, with the names of generate --json', () =>
    withFolder(async (folder) => {
      const template = { prompt: 'Word: {{ word }} ;', completion: ' {{ text }}<|endoftext|>' }
      const { run } = await createTinyRun(folder, [{ word: 'elk', text: 'a deer' }], { template })
      await writeBestCheckpoint(run)
      const { code, stdout, stderr } = await chat(
        ['elk', '/reset', 'bee', '/exit'],
        run,
        ...greedily,
        '--json',
      )
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      const rows = ['elk', 'bee'].map((word) => `--row={"word":"${word}"}`)
      const given = ['--max-new-tokens', '8', '--greedy', '--json']
      const generated = await runHere('.', 'generate', run, ...rows, ...given)
      const { continuations } = JSON.parse(generated.stdout) as { continuations: { text: string }[] }
      expect(lines).to.deep.equal(
        ['elk', 'bee'].map((word, i) => ({
          ...{ kind: 'reply', answers: { word }, ...continuations[i] },
          text: continuations[i]!.text.trim(),
        })),
      )
    }))

  it('ends with code 2 and one sentence where something is wrong', async () => {
    await withFolder(async (folder) => {
      const rows = ['good', 'bad'].map((label) => ({ text: `a ${label} thing`, label }))
      const classification = join(folder, 'classification')
      const { model } = await createTinyRun(folder, [{ prompt: 'a', completion: ' b' }])
      const { run: classifier } = await createTinyRun(classification, rows, { task: 'classification' })
      await writeBestCheckpoint(classifier)
      const pairs = [{ prompt: 'a', chosen: ' b', rejected: ' c' }]
      const { run: scorer } = await createTinyRun(join(folder, 'scorer'), pairs, { task: 'reward' })
      await writeBestCheckpoint(scorer)
      const cases: [string[], RegExp][] = [
        [[model], /what was written makes a prompt of \d+ tokens/],
        [[classifier], /run is a classifier and writes no text; use "ortune classify"/],
        [[scorer], /run is a reward model and writes no text; use "ortune score"/],
        [[join(folder, 'nowhere')], /nowhere does not exist/],
        [
          [join(folder, 'run'), '--checkpoint', 'base', '--template', '2'],
          /run has no template 2, as there are 1; lower --template/,
        ],
        [[model, '--checkpoint', 'last'], /model is no run/],
        [[model, '--greedy', '--top-p', '0.5'], /'--greedy' cannot be used with option '--top-p <p>'/],
      ]
      for (const [args, says] of cases) {
        const { code, stdout, stderr } = await chat(['long '.repeat(80)], ...args)
        expect(stderr).to.match(says)
        expect(stderr).to.match(/^(ortune|error): .+\n(\n?\(.+\)\n)*$/)
        expect(stdout.replaceAll('long', '').trim()).to.equal('')
        expect(code).to.equal(2)
      }
    })
  })
})

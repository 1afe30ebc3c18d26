import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { expect } from 'chai'

import type { Session } from '../../src/runs/lessons/session_folder.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import type { Outcome } from './run_cli.ts'
import { listing, runHere } from './run_cli.ts'

const command = join(import.meta.dirname, '..', '..', 'src', 'cli', 'ortune.mjs')

/** Runs `ortune chat …args` in this process, with these lines on standard input. */
async function chat(lines: readonly string[], ...args: string[]): Promise<Outcome> {
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!
  const value = Readable.from(lines.map((line) => `${line}\n`))
  Object.defineProperty(process, 'stdin', { value, configurable: true })
  try {
    return await runHere('.', 'chat', ...args, '--greedy', '--max-new-tokens', '6')
  } finally {
    Object.defineProperty(process, 'stdin', stdin)
  }
}

interface Change {
  readonly before: number
  readonly after: number
}

interface Line {
  readonly kind: string
  readonly log_probability: Change
  readonly perplexity: Change
  readonly steps: number
  readonly texts: readonly { readonly text: string }[]
}

const sessionIn = async (folder: string): Promise<Session> =>
  JSON.parse(await readFile(join(folder, 'session.json'), 'utf8')) as Session

describe('ortune chat --learn', () => {
  it('learns a text, answers otherwise, and forgets', () =>
    withFolder(async (folder) => {
      const [model, session] = [join(folder, 'model'), join(folder, 'session')]
      await writeTinyModel(model)
      const lines = ['the sea', '/learn the sea is wide', 'the sea', '/forget', 'the sea', '/forget']
      const { code, stdout, stderr } = await chat(lines, model, '--session', session)
      expect(code, stderr).to.equal(0)
      const [first, taught, forgotten] = stdout.trimEnd().split('\n')
      expect(taught).to.not.equal(first)
      expect(forgotten).to.equal(first)
      const said = stderr.split('\n')
      expect(said[0]).to.match(/^The model learns by \/learn .* Watched: validation rows of the dictionary/)
      expect(said[1]).to.match(
        /^learned "the sea is wide": log p -\d+\.\d\d → -\d+\.\d\d nats, held-out perplexity \d+\.\d+ → \d+\.\d+ \([+-]?\d+\.\d\d %\), \d+ steps$/,
      )
      expect(said[2]).to.match(/^forgot "the sea is wide": log p -\d+\.\d\d → -\d+\.\d\d nats$/)
      expect(said[3]).to.match(/^ {2}held-out perplexity /)
      expect(said[4]).to.equal('There is no lesson to forget.')
    }))

  it('prints lessons with their figures as lines of JSON among the replies', () =>
    withFolder(async (folder) => {
      const [model, session] = [join(folder, 'model'), join(folder, 'session')]
      await writeTinyModel(model)
      const lines = [
        'the sea',
        '/learn the sea is wide',
        'the sea',
        '/correct is deep',
        '/forget all',
        '/forget',
        'the sea',
      ]
      const { code, stdout, stderr } = await chat(lines, model, '--session', session, '--json')
      expect(code, stderr).to.equal(0)
      const found = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
      expect(found.map(({ kind }) => kind)).to.deep.equal([
        ...['reply', 'learn', 'reply', 'correct', 'forget', 'forget', 'reply'],
      ])
      const [first, learned, , corrected, forgotten, nothing, last] = found
      expect(learned).to.have.all.keys('kind', 'text', 'log_probability', 'perplexity', 'steps')
      expect(learned).to.include({ text: 'the sea is wide' })
      expect(learned!.log_probability.after).to.be.greaterThan(learned!.log_probability.before + 1)
      expect(learned!.steps).to.be.within(1, 30)
      const [, nats] = /"the sea is wide": log p (\S+ → \S+) nats/.exec(stderr)!
      const { before, after } = learned!.log_probability
      expect(nats).to.equal(`${before.toFixed(2)} → ${after.toFixed(2)}`)
      expect(corrected!.perplexity.before).to.be.closeTo(learned!.perplexity.after, 1e-6)
      expect(forgotten!.texts.map(({ text }) => text)).to.have.members(['the sea is wide', 'is deep'])
      expect(forgotten!.perplexity.after).to.be.closeTo(learned!.perplexity.before, 1e-6)
      expect(nothing).to.deep.equal({ kind: 'forget', texts: [], perplexity: null })
      expect(last).to.deep.equal(first)
    }))

  it('corrects the last answer, and hands the lessons to merge', () =>
    withFolder(async (folder) => {
      const [model, session, merged] = ['model', 'session', 'merged'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ]
      await writeTinyModel(model)
      const lines = ['the sea', ...Array.from({ length: 3 }, () => '/correct is wide'), 'the sea']
      const { stdout, stderr } = await chat(lines, model, '--session', session)
      const [before, after] = stdout.trimEnd().split('\n')
      expect(stderr).to.match(/permanent: ortune merge .* --adapter .*session --out <folder>\n$/)
      expect((await runHere('.', 'merge', model, '--adapter', session, '--out', merged)).code).to.equal(0)
      const again = await chat(['the sea'], merged)
      expect(again.stdout.trimEnd()).to.equal(after)
      expect((await chat(['the sea'], model)).stdout.trimEnd()).to.equal(before)
      expect((await chat(['the sea'], model, '--adapter', session)).stdout.trimEnd()).to.equal(after)
    }))

  it('loses nothing where it is killed between lessons, or in one', () =>
    withFolder(async (folder) => {
      const [model, session] = [join(folder, 'model'), join(folder, 'session')]
      await writeTinyModel(model)
      const args = ['chat', model, '--session', session, '--greedy', '--max-new-tokens', '6']
      const child = spawn(process.execPath, [command, ...args], { stdio: ['pipe', 'ignore', 'pipe'] })
      child.stdin.write('who are\n/learn the sea is wide\n/learn a tree has leaves\n')
      let said = ''
      for await (const piece of child.stderr) {
        said += String(piece)
        if (said.includes('learned "the sea')) break
      }
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended

      const killed = await sessionIn(session)
      expect(killed.lessons.map(({ text }) => text)[0]).to.equal('the sea is wide')
      expect(killed.conversation.replies).to.equal(1)
      const after = killed.lessons.at(-1)!.log_probability
      const { stderr, code } = await chat(['/forget all'], model, '--session', session)
      expect(code, stderr).to.equal(0)
      const [, before, now] = /wide": log p (\S+) → (\S+) nats/.exec(stderr)!
      if (killed.lessons.length === 1)
        expect([before, now]).to.deep.equal([after.after, after.before].map((value) => value.toFixed(2)))
      expect((await listing(folder)).filter((name) => name.startsWith('.'))).to.deep.equal([])
    }))

  it('says in one sentence what is wrong', () =>
    withFolder(async (folder) => {
      await writeTinyModel(folder)
      const cases: [string[], string[], RegExp][] = [
        [['x'], ['--held-out', 'some.txt'], /--held-out is for lessons; give --learn as well/],
        [['/learn'], ['--learn'], /there is nothing to learn; write a text after \/learn/],
        [['/correct no'], ['--learn'], /nothing was answered yet that could be corrected/],
        [['/forget 2'], ['--learn'], /there is no "\/forget 2"; write \/forget or \/forget all/],
        [['x'], ['--learn', 'consolidate'], /has no trained plastic blocks/],
        [['x'], ['--learn', 'well'], /'well' is invalid.*Allowed choices are steps, consolidate/],
      ]
      for (const [lines, args, says] of cases) {
        const { code, stderr } = await chat(lines, folder, ...args)
        expect(stderr).to.match(says)
        expect(code).to.equal(2)
      }
    }))
})

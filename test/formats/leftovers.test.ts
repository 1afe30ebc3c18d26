import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { expect } from 'chai'

import { writeFileAtomic } from '../../src/formats/atomic.ts'
import { isAlive, markedOwner, ownerMark, thisProcess } from '../../src/formats/processes.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'

const command = join(import.meta.dirname, '../../src/cli/ortune.mjs')

/** The number of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid!
}

describe('the mark of a process', () => {
  it('says which one, on which machine, and whether it may still be there', async () => {
    const here = thisProcess()
    expect(markedOwner(ownerMark(here))).to.deep.equal(here)
    const odd = { pid: 7, started: null, host: 'a/b-c.d é' }
    expect(markedOwner(ownerMark(odd))).to.deep.equal(odd)
    expect(ownerMark(odd)).to.not.include('/')
    expect(markedOwner('12')).to.deep.equal({ pid: 12, started: null, host: hostname() })
    for (const none of ['', '0', '-1', 'x', '12-', '12-3', '99999999999', '1.2', '%'])
      expect(markedOwner(none), none).to.equal(undefined)
    expect(isAlive(here)).to.equal(true)
    const pid = await deadPid()
    expect(isAlive({ ...here, pid })).to.equal(false)
    expect(isAlive({ ...here, pid, host: 'elsewhere' })).to.equal(true)
    if (here.started !== null) expect(isAlive({ ...here, started: '1' })).to.equal(false)
  })
})

describe('what a killed process leaves', () => {
  it('beside a file is removed by the next who writes that file, and nothing else is', () =>
    withFolder(async (folder) => {
      const pid = await deadPid()
      const dead = ownerMark({ ...thisProcess(), pid })
      const gone = [`.a.json.${dead}+0f3b2a11.new`, `.a.json.${dead}.new`, `.a.json.${pid}.new`]
      const kept = [
        ...[`.b.json.${dead}.new`, `.a.json.${ownerMark(thisProcess())}0.new`, `.a.json.${dead}.old`],
        ...[`.a.json.${ownerMark({ ...thisProcess(), pid, host: 'elsewhere' })}.new`, 'a.json.1.new'],
        `.a.json.${process.ppid}.new`,
        `.a.json.${ownerMark(thisProcess())}+0f3b2a11.new`,
      ]
      for (const name of [...gone, ...kept]) writeFileSync(join(folder, name), '')
      // What is being made of a folder called a.json.<number>.
      mkdirSync(join(folder, `.a.json.${pid}1.new`))
      await writeFileAtomic(join(folder, 'a.json'), '{}')
      expect(readdirSync(folder).sort()).to.deep.equal([...kept, `.a.json.${pid}1.new`, 'a.json'].sort())
    }))

  it('SIGKILL within a write leaves a file that the next write removes', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'a.txt')
      const module = join(import.meta.dirname, '../../src/formats/atomic.ts')
      const program = `const { writeFileAtomic } = await import(${JSON.stringify(module)})
        await writeFileAtomic(${JSON.stringify(path)}, async () => { console.log('in'); await new Promise((r) => setTimeout(r, 1e6)) })`
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
      await once(child.stdout, 'data')
      await writeFileAtomic(path, 'mine')
      expect(readdirSync(folder)).to.have.length(2)
      child.kill('SIGKILL')
      await once(child, 'exit')
      await writeFileAtomic(path, 'mine again')
      expect(readdirSync(folder)).to.deep.equal(['a.txt'])
    }))

  it('goes with the files that were still being written when the process was told to end', () =>
    withFolder(async (folder) => {
      const module = join(import.meta.dirname, '../../src/formats/leftovers.ts')
      const program = `const { withTemporaryFolder } = await import(${JSON.stringify(module)})
        const { writeFile } = await import('node:fs/promises')
        await withTemporaryFolder(async (folder) => {
          for (let n = 0; n < 1000; n++) void writeFile(folder + '/' + n, 'some text').catch(() => {})
          await new Promise((resolve) => setTimeout(resolve, 2))
          process.exit(0)
        })`
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
        env: { ...process.env, TMPDIR: folder },
      })
      await once(child, 'exit')
      expect(readdirSync(folder).filter((name) => name.startsWith('ortune-'))).to.deep.equal([])
    }))

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const)
    it(`${signal} in prepare: its temporary folder ${signal === 'SIGKILL' ? 'is removed by the next' : 'goes'}`, () =>
      withFolder(async (folder) => {
        await writeTinyModel(join(folder, 'model'))
        const csv = (rows: number) =>
          `text\n${Array.from({ length: rows }, (_, n) => `a fox has ${n} hens\n`).join('')}`
        writeFileSync(join(folder, 'rows.csv'), csv(30_000))
        const data = [{ path: 'rows.csv', split: { validation: 0.1 } }]
        writeFileSync(join(folder, 'run.yaml'), JSON.stringify({ model: 'model', data, output_dir: 'run' }))
        const temporary = join(folder, 'tmp')
        mkdirSync(temporary)
        const ofAnother = ['ortune-prepare-mine', `ortune-prepare-${ownerMark(thisProcess())}.abcdef`]
        for (const name of ofAnother) mkdirSync(join(temporary, name))
        const folders = () =>
          readdirSync(temporary)
            .filter((name) => /^ortune-/.test(name))
            .sort()
        const start = () =>
          spawn(process.execPath, [command, 'prepare', 'run.yaml'], {
            ...{ cwd: folder, env: { ...process.env, TMPDIR: temporary } },
            stdio: 'ignore',
          })
        const first = start()
        while (
          first.exitCode === null &&
          !folders().some((name) => existsSync(join(temporary, name, 'config.json')))
        )
          await setTimeout(5)
        expect(first.exitCode).to.equal(null)
        first.kill(signal)
        await once(first, 'exit')
        expect(folders()).to.have.length(signal === 'SIGKILL' ? 3 : 2)
        writeFileSync(join(folder, 'rows.csv'), csv(20))
        const [code] = (await once(start(), 'exit')) as [number]
        expect(code).to.equal(0)
        expect(folders()).to.deep.equal(ofAnother.sort())
      })).timeout(60_000)
})

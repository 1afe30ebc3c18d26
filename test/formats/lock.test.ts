import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { withLock } from '../../src/formats/lock.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'

describe('one writer at a time', () => {
  const owner = (own: object) =>
    JSON.stringify({ pid: process.pid, host: hostname(), started: null, since: 'noon', ...own })
  const withLockFile = (use: (lock: string) => Promise<void>) =>
    withFolder((folder) => use(join(folder, '.lock')))
  const take = (lock: string) => withLock(lock, 'runs/a', async () => 'done')

  it('a second is told who writes, and the first goes on', () =>
    withLockFile(async (lock) => {
      const first = withLock(lock, 'runs/a', async () => {
        expect(await userError(() => take(lock))).to.match(
          new RegExp(`^runs/a is being written by process ${process.pid}, since .*; wait`),
        )
        return 'first'
      })
      expect(await first).to.equal('first')
      expect(await take(lock)).to.equal('done')
      expect(existsSync(lock)).to.equal(false)
    }))

  it('the lock goes where the work fails', () =>
    withLockFile(async (lock) => {
      const failure = await rejection(withLock(lock, 'a', () => Promise.reject(new Error('no'))))
      expect(failure.message).to.equal('no')
      expect(existsSync(lock)).to.equal(false)
    }))

  const stale: Readonly<Record<string, (lock: string) => void | Promise<void>>> = {
    'of a process that was killed': async (lock) => {
      const module = join(import.meta.dirname, '../../src/formats/lock.ts')
      const program = `const { withLock } = await import(${JSON.stringify(module)})
        await withLock(${JSON.stringify(lock)}, 'a', async () => { console.log('in'); await new Promise((r) => setTimeout(r, 1e6)) })`
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
      await once(child.stdout, 'data')
      expect(await userError(() => take(lock))).to.include(`process ${child.pid}`)
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    'of a process whose number another has by now': (lock) => writeFileSync(lock, owner({ started: '1' })),
    'that is empty since long': (lock) => {
      writeFileSync(lock, '')
      utimesSync(lock, 1, 1)
    },
    'that is damaged since long': (lock) => {
      writeFileSync(lock, '{"pid":')
      utimesSync(lock, 1, 1)
    },
  }
  for (const [which, leave] of Object.entries(stale))
    it(`a lock ${which} keeps nobody out`, () =>
      withLockFile(async (lock) => {
        await leave(lock)
        expect(existsSync(lock)).to.equal(true)
        expect(await take(lock)).to.equal('done')
        expect(readdirSync(join(lock, '..'))).to.deep.equal([])
      }))

  it('a lock of another machine says what to delete', () =>
    withLockFile(async (lock) => {
      writeFileSync(lock, owner({ host: 'elsewhere', pid: 1 }))
      expect(await userError(() => take(lock))).to.match(/process 1 on elsewhere, .* or delete .*\.lock/)
    }))

  it('of many who ask at once after a stale lock, one at a time gets it', () =>
    withLockFile(async (lock) => {
      writeFileSync(lock, owner({ started: '1' }))
      let inside = 0
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, () =>
          withLock(lock, 'a', async () => {
            expect(++inside).to.equal(1)
            await new Promise((resolve) => setTimeout(resolve, 20))
            inside--
          }),
        ),
      )
      expect(outcomes.some(({ status }) => status === 'fulfilled')).to.equal(true)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(String(outcome.reason)).to.match(/is being written by/)
    }))
})

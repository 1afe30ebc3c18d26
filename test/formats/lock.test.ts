import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'

import { expect } from 'chai'

import { systemError } from '../../src/cli/system_error.ts'
import { checkFree, withLock } from '../../src/formats/lock.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { itWhere } from '../it_where.ts'
import { rejection } from '../rejection.ts'

const pipe = (path: string) => void spawnSync('mkfifo', [path])

const isGone = (pid: number): boolean => {
  try {
    return !process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

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

  it('is not taken where something else stands in its place, and says to remove it', () =>
    withLockFile(async (lock) => {
      const things = [() => mkdirSync(lock), ...(process.platform === 'win32' ? [] : [() => pipe(lock)])]
      for (const put of things) {
        put()
        for (const use of [take, (at: string) => checkFree(at, 'runs/a')])
          expect(await userError(() => use(lock))).to.match(/\.lock is a folder, a pipe .*; remove it$/)
        rmSync(lock, { recursive: true })
      }
    }))

  itWhere(process.getuid?.() === 0, 'only an administrator can act as somebody else')(
    'is refused to whom the folder is closed, by the name of what was to be written',
    () =>
      withLockFile(async (lock) => {
        writeFileSync(lock, owner({ started: '1' }))
        chmodSync(dirname(lock), 0o755)
        process.seteuid!(65534)
        try {
          const failure = await rejection(take(lock))
          expect(systemError(failure)).to.match(/^runs\/a may not be opened or written; /)
        } finally {
          process.seteuid!(0)
        }
      }),
  )

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

  it('what a process left that was killed while it took a stale lock away goes with the next lock', () =>
    withLockFile(async (lock) => {
      const dead = Array.from({ length: 99 }, (_, i) => 4_000_000 + i).find(isGone)!
      for (const mark of [dead, `${dead}-1-${hostname()}`, `${process.pid}-1-${hostname()}`])
        writeFileSync(`${lock}.${mark}`, owner({ pid: dead }))
      const others = [`.lock.${process.pid}`, '.lock.backup', '.locked']
      for (const name of others) writeFileSync(join(lock, '..', name), '')
      expect(await take(lock)).to.equal('done')
      expect(readdirSync(join(lock, '..')).sort()).to.deep.equal(others.sort())
    }))

  it('a look at a lock refuses as taking it does, and leaves it', () =>
    withLockFile(async (lock) => {
      await checkFree(lock, 'runs/a')
      await withLock(lock, 'runs/a', async () => {
        expect(await userError(() => checkFree(lock, 'runs/a'))).to.match(
          new RegExp(`^runs/a is being written by process ${process.pid}, since .*; wait`),
        )
      })
      for (const text of ['', '{"pid":', owner({ started: '1' })]) {
        writeFileSync(lock, text)
        await checkFree(lock, 'runs/a')
        expect(existsSync(lock)).to.equal(true)
      }
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

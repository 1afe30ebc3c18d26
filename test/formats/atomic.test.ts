import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { recoverFolder, writeFileAtomic, writeFolderAtomic } from '../../src/formats/atomic.ts'
import { rejection } from '../rejection.ts'

describe('atomic writing', () => {
  let place: string
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-atomic-'))
  })
  afterEach(() => rm(place, { recursive: true }))

  const fillWith = (text: string) => async (folder: string) => writeFileAtomic(join(folder, 'a.txt'), text)
  const textIn = (folder: string) => readFileSync(join(folder, 'a.txt'), 'utf8')

  it('lets several write a file at once, and one of them stays whole', async () => {
    const path = join(place, 'a.txt')
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(1000))
    await Promise.all(texts.map((text) => writeFileAtomic(path, text)))
    expect(texts).to.include(readFileSync(path, 'utf8'))
    expect(readdirSync(place)).to.deep.equal(['a.txt'])
  })

  it('writes a file, replaces it, and makes its folder', async () => {
    const path = join(place, 'deep', 'er', 'a.txt')
    await writeFileAtomic(path, 'one')
    await writeFileAtomic(path, new Uint8Array([0x74, 0x77, 0x6f]))
    expect(readFileSync(path, 'utf8')).to.equal('two')
    await writeFileAtomic(path, async (file) => {
      await file.writeFile('three, ')
      await file.writeFile('four')
    })
    expect(readFileSync(path, 'utf8')).to.equal('three, four')
    expect(readdirSync(join(place, 'deep', 'er'))).to.deep.equal(['a.txt'])
  })

  it('leaves the old file and nothing else where writing fails', async () => {
    const path = join(place, 'a.txt')
    await writeFileAtomic(path, 'old')
    const failure = await rejection(
      writeFileAtomic(path, async (file) => {
        await file.writeFile('half')
        throw new Error('disk full')
      }),
    )
    expect(failure.message).to.equal('disk full')
    expect(readFileSync(path, 'utf8')).to.equal('old')
    expect(readdirSync(place)).to.deep.equal(['a.txt'])
  })

  it('replaces a folder with all that was in it', async () => {
    const folder = join(place, 'run')
    await writeFolderAtomic(folder, fillWith('old'))
    writeFileSync(join(folder, 'stray'), '')
    await writeFolderAtomic(`${folder}/`, async (temporary) => {
      expect(textIn(folder)).to.equal('old')
      mkdirSync(join(temporary, 'inner'))
      await fillWith('new')(join(temporary, 'inner'))
    })
    expect(readdirSync(folder)).to.deep.equal(['inner'])
    expect(textIn(join(folder, 'inner'))).to.equal('new')
    expect(readdirSync(place)).to.deep.equal(['run'])
  })

  it('leaves the old folder where filling the new one fails', async () => {
    const folder = join(place, 'run')
    await writeFolderAtomic(folder, fillWith('old'))
    await rejection(
      writeFolderAtomic(folder, async (temporary) => {
        await fillWith('half')(temporary)
        throw new Error('disk full')
      }),
    )
    expect(textIn(folder)).to.equal('old')
    expect(readdirSync(place)).to.deep.equal(['run'])
  })

  it('neither takes nor deletes what others keep beside it', async () => {
    const others = ['.run.old', '.run.new', '.run.lock', 'run.old', 'run.new', 'run.ortune-old']
    for (const name of others) {
      mkdirSync(join(place, name))
      await fillWith(name)(join(place, name))
    }
    for (const text of ['one', 'two']) {
      await writeFolderAtomic(join(place, 'run'), fillWith(text))
      expect(textIn(join(place, 'run'))).to.equal(text)
      for (const name of others) expect(textIn(join(place, name))).to.equal(name)
    }
  })

  it('refuses to put a folder where a file is', async () => {
    const path = join(place, 'a.txt')
    await writeFileAtomic(path, 'mine')
    expect(await rejection(writeFolderAtomic(path, fillWith('x')))).to.be.instanceOf(UserError)
    expect(readdirSync(place)).to.deep.equal(['a.txt'])
    expect(readFileSync(path, 'utf8')).to.equal('mine')
  })

  describe('after a kill', () => {
    const folders = () => ({
      target: join(place, 'run'),
      temporary: join(place, '.run.ortune-new'),
      old: join(place, '.run.ortune-old'),
    })
    const make = async (folder: string, text: string) => {
      mkdirSync(folder)
      await fillWith(text)(folder)
    }

    it('while the first writing: nothing remains', async () => {
      const { target, temporary } = folders()
      await make(temporary, 'half')
      await recoverFolder(target)
      expect(readdirSync(place)).to.deep.equal([])
    })

    it('while writing the new one: the old one remains', async () => {
      const { target, temporary } = folders()
      await make(target, 'old')
      await make(temporary, 'half')
      await recoverFolder(target)
      expect(textIn(target)).to.equal('old')
      expect(readdirSync(place)).to.deep.equal(['run'])
    })

    it('between the renames: the new one, which is whole, takes its place', async () => {
      const { target, temporary, old } = folders()
      await make(temporary, 'new')
      await make(old, 'old')
      await recoverFolder(target)
      expect(textIn(target)).to.equal('new')
      expect(readdirSync(place)).to.deep.equal(['run'])
    })

    it('while deleting the old one: the new one remains', async () => {
      const { target, old } = folders()
      await make(target, 'new')
      await make(old, 'old')
      await recoverFolder(target)
      expect(textIn(target)).to.equal('new')
      expect(readdirSync(place)).to.deep.equal(['run'])
    })

    it('at a random moment, for real: a whole folder remains', async () => {
      const target = join(place, 'run')
      const module = join(import.meta.dirname, '../../src/formats/atomic.ts')
      const program = `
        import { writeFile } from 'node:fs/promises'
        const { writeFolderAtomic } = await import(${JSON.stringify(module)})
        for (let round = 0; ; round++) {
          await writeFolderAtomic(${JSON.stringify(target)}, async (folder) => {
            for (const name of ['a', 'b', 'c']) await writeFile(folder + '/' + name, String(round))
          })
          if (round === 2) console.log('going')
        }`
      for (let kill = 0; kill < 5; kill++) {
        const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
        await once(child.stdout, 'data')
        await setTimeout(Math.random() * 20)
        child.kill('SIGKILL')
        await once(child, 'exit')
        await recoverFolder(target)
        expect(readdirSync(place).filter((name) => name !== '.run.ortune-lock')).to.deep.equal(['run'])
        expect(readdirSync(target)).to.deep.equal(['a', 'b', 'c'])
        expect(
          new Set(['a', 'b', 'c'].map((name) => readFileSync(join(target, name), 'utf8'))).size,
        ).to.equal(1)
      }
      // The lock of a process that is gone keeps nobody out.
      await writeFolderAtomic(target, fillWith('mine'))
      expect(readdirSync(place)).to.deep.equal(['run'])
    })

    it('at any of these points, the next writing works', async () => {
      const { target, temporary, old } = folders()
      await make(old, 'old')
      await rename(old, target)
      await make(temporary, 'half')
      writeFileSync(join(temporary, 'stray'), '')
      await writeFolderAtomic(target, fillWith('newer'))
      expect(readdirSync(target)).to.deep.equal(['a.txt'])
      expect(textIn(target)).to.equal('newer')
      expect(existsSync(temporary)).to.equal(false)
    })
  })

  it('says where nothing can be written, and that a file is no folder, at once', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'file')
      await writeFileAtomic(file, 'text')
      const write = (path: string) => userError(() => writeFolderAtomic(path, async () => undefined))
      const inFile = `${file} is a file where a folder is needed; move it, or name another place`
      expect(await write(join(file, 'x'))).to.equal(inFile)
      expect(await write(join(file, 'x', 'y'))).to.equal(inFile)
      expect(await userError(() => writeFileAtomic(join(file, 'x'), ''))).to.equal(inFile)
      if (process.platform !== 'linux') return
      for (const path of ['/proc/ortune', '/proc/ortune/x', '/proc/ortune/x/y'])
        expect(await write(path)).to.equal(
          '/proc/ortune cannot be written, as its folder takes no files or folders; name another place',
        )
    })).timeout(10_000)
})

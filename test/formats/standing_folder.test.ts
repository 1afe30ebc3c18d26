import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import {
  recoverStandingFolder,
  standingFolder,
  writeStandingFolder,
} from '../../src/formats/standing_folder.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'

const NAMES = ['a', 'b', 'c'] as const

describe('a folder that stands while it is written', () => {
  const fill = (text: string) => async (folder: string) => {
    for (const name of NAMES) await writeFile(join(folder, name), text)
  }
  const make = (folder: string, text: string, names: readonly string[] = NAMES) => {
    mkdirSync(folder)
    for (const name of names) writeFileSync(join(folder, name), text)
  }
  const textsIn = (folder: string) => NAMES.map((name) => readFileSync(join(folder, name), 'utf8'))
  const withTarget = (use: (target: string, beside: (suffix: string) => string) => Promise<void>) =>
    withFolder((place) => use(join(place, 'last'), (suffix) => join(place, `.last.${suffix}`)))

  it('is there at every moment, and each of its files is whole', () =>
    withTarget(async (target) => {
      await writeStandingFolder(target, fill('0'.repeat(1000)))
      let writing = true
      const written = (async () => {
        for (let round = 1; round <= 30; round++)
          await writeStandingFolder(target, fill(String(round % 10).repeat(1000)))
        writing = false
      })()
      let looks = 0
      while (writing) {
        for (const name of NAMES) expect(readFileSync(join(target, name), 'utf8')).to.match(/^(\d)\1{999}$/)
        looks++
        await new Promise((resolve) => setImmediate(resolve))
      }
      await written
      expect(looks).to.be.greaterThan(30)
      expect(textsIn(target)).to.deep.equal(NAMES.map(() => '0'.repeat(1000)))
      expect(readdirSync(join(target, '..'))).to.deep.equal(['last'])
    }))

  it('gets the state that tells of its files when these are in place', () =>
    withTarget(async (target, beside) => {
      make(target, 'old', ['trainer_state.json'])
      make(beside('ready'), 'new', ['trainer_state.json', 'value_head.safetensors'])
      // What cannot be moved, as where the process is killed.
      mkdirSync(join(target, 'value_head.safetensors'))
      await rejection(recoverStandingFolder(target))
      expect(readFileSync(join(target, 'trainer_state.json'), 'utf8')).to.equal('old')
    }))

  it('stays what it was where filling it fails, and keeps what else lies in it', () =>
    withTarget(async (target) => {
      await writeStandingFolder(target, fill('old'))
      writeFileSync(join(target, 'notes'), 'mine')
      const fails = () => Promise.reject(new Error('disk full'))
      expect((await rejection(writeStandingFolder(target, fails))).message).to.equal('disk full')
      expect(textsIn(target)).to.deep.equal(['old', 'old', 'old'])
      await writeStandingFolder(target, fill('new'))
      expect(readFileSync(join(target, 'notes'), 'utf8')).to.equal('mine')
    }))

  describe('after a kill', () => {
    const expectWhole = async (target: string, text: string) => {
      await recoverStandingFolder(target)
      expect(textsIn(target)).to.deep.equal([text, text, text])
      expect(readdirSync(join(target, '..'))).to.deep.equal(['last'])
    }

    it('while writing: it is what it was', () =>
      withTarget(async (target, beside) => {
        make(target, 'old')
        make(beside('new'), 'half', ['a'])
        expect(await standingFolder(target)).to.equal(target)
        await expectWhole(target, 'old')
      }))

    for (const moved of [0, 1, 2, 3])
      it(`once it counts, with ${moved} of its files in place: it is the new one`, () =>
        withTarget(async (target, beside) => {
          make(target, 'old')
          make(beside('ready'), 'new')
          for (const name of NAMES.slice(0, moved))
            await rename(join(beside('ready'), name), join(target, name))
          expect(await standingFolder(target)).to.equal(target)
          await expectWhole(target, 'new')
        }))

    it('of an earlier version, between its two renames: readers and the next writer find the new one', () =>
      withTarget(async (target, beside) => {
        make(beside('old'), 'old')
        make(beside('new'), 'new')
        expect(textsIn(await standingFolder(target))).to.deep.equal(['new', 'new', 'new'])
        expect(existsSync(target)).to.equal(false)
        await expectWhole(target, 'new')
      }))
  })
})

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { systemError } from '../../src/cli/system_error.ts'
import { writeFolderAtomic } from '../../src/formats/atomic.ts'
import { appendRecord } from '../../src/runs/log.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { rejection } from '../rejection.ts'
import { itWhere } from '../it_where.ts'
import { runAlone } from './run_cli.ts'

const command = join(import.meta.dirname, '../../src/cli/ortune.mjs')
const rows = [{ text: 'a fox is an animal' }, { text: 'an owl is one' }]

const refusal = (code: string, own: object = { path: 'runs/a' }): Error =>
  Object.assign(new Error(`${code}: no`), { code, syscall: 'write', ...own })

describe('what the operating system refuses', () => {
  for (const code of [
    'ENOSPC',
    'EDQUOT',
    'EFBIG',
    'EACCES',
    'EPERM',
    'EROFS',
    'ENAMETOOLONG',
    'ENOENT',
    'ENOTDIR',
  ])
    it(`is a sentence with the place and what to do: ${code}`, () => {
      expect(systemError(refusal(code))).to.match(/^[^\n]*runs\/a[^\n]*[;,] [^\n]+$/)
    })

  it('is a sentence for codes that nobody thought of', () => {
    expect(systemError(refusal('EL2HLT'))).to.match(/^runs\/a cannot be used \(EL2HLT, write\)/)
  })

  itWhere(existsSync('/dev/full'), 'this system has no device that is full')(
    'names a log that is out of space',
    () => {
      const write = () => appendRecord('/dev/full', { step: 1 })
      try {
        write()
        expect.fail('it was written')
      } catch (error) {
        expect(systemError(error)).to.match(/^there is no space left on the disk for \/dev\/full; /)
      }
    },
  )

  it('names the folder that is being filled', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'run')
      const failure = await rejection(writeFolderAtomic(path, () => Promise.reject(refusal('ENOSPC', {}))))
      expect(systemError(failure)).to.equal(
        `there is no space left on the disk for ${path}; free some, or name a folder on another disk`,
      )
    }))

  it('is not what any other error is', () => {
    for (const error of [new Error('no'), new TypeError('x is not a function'), 'no', undefined])
      expect(systemError(error)).to.equal(undefined)
  })

  itWhere(existsSync('/dev/full'), 'it has no /dev/full')(
    'names a full disk under standard output, with exit code 2',
    () => {
      const out = openSync('/dev/full', 'w')
      const { status, stderr } = spawnSync(process.execPath, [command, '--help'], {
        stdio: ['ignore', out, 'pipe'],
        encoding: 'utf8',
      })
      closeSync(out)
      expect(stderr).to.match(/^ortune: standard output cannot be written \(ENOSPC\); [^\n]+\n$/)
      expect(status).to.equal(2)
    },
  )

  it('leaves nothing half-written, whatever the place', () =>
    withFolder(async (folder) => {
      const { model } = await createTinyRun(folder, rows)
      const config = {
        model,
        data: [
          { path: 'rows.jsonl', split: { all: 'train' } },
          { path: 'rows.jsonl', split: { all: 'validation' } },
        ],
      }
      writeFileSync(join(folder, 'run.yaml'), JSON.stringify(config))
      writeFileSync(join(folder, 'file'), '')
      symlinkSync('loop', join(folder, 'loop'))
      for (const out of [`runs/${'x'.repeat(300)}`, 'file/run', 'loop/run']) {
        const { code, stderr } = await runAlone(folder, 'train', 'run.yaml', `output_dir=${out}`)
        expect(stderr).to.match(/^ortune: [^\n]+[;,] [^\n]+\n$/)
        expect(code).to.equal(2)
      }
    }))

  it('does not lose a result: the figures are printed where the run cannot be written', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, { max_steps: 1 })
      expect((await runAlone(folder, 'resume', 'run')).code).to.equal(0)
      // A folder where the file is to be, which even an administrator cannot write over.
      mkdirSync(join(run, 'evaluation-best-validation.json', 'taken'), { recursive: true })
      const { code, stdout, stderr } = await runAlone(folder, 'evaluate', 'run', '--json', '--generate', '0')
      expect(JSON.parse(stdout)).to.have.property('perplexity')
      expect(stderr).to.match(/^ortune: [^\n]*evaluation-best-validation\.json[^\n]*\n$/)
      expect(code).to.equal(2)
    }))

  itWhere(process.getuid?.() !== 0, 'an administrator may write everywhere')(
    'is told of folders that may not be written',
    () =>
      withFolder(async (folder) => {
        const { run } = await createTinyRun(folder, rows, { max_steps: 1 })
        chmodSync(run, 0o500)
        const { code, stderr } = await runAlone(folder, 'resume', 'run')
        chmodSync(run, 0o700)
        expect(stderr).to.match(/^ortune: [^\n]+\.lock may not be opened or written; [^\n]+\n$/)
        expect(code).to.equal(2)
        expect(readFileSync(join(run, 'training.json'), 'utf8')).not.to.equal('')
      }),
  )
})

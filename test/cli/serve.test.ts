import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { withServer } from '../serve/asking.ts'
import { listing, runAlone, runHere } from './run_cli.ts'

describe('ortune serve and watch, given something wrong', () => {
  it('say so in one sentence, with exit code 2 and nothing left behind', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'notes.txt'), '')
      await mkdir(join(folder, 'empty'))
      await mkdir(join(folder, 'damaged'))
      await writeFile(join(folder, 'damaged', 'training.json'), '{"seed":')
      const before = await listing(folder)
      const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
        [['watch'], /missing required argument 'run'/],
        [['watch', 'nowhere'], /^ortune: nowhere does not exist; name the folder of a run$/m],
        [['watch', 'notes.txt'], /^ortune: notes\.txt is a file; name the folder of a run$/m],
        [['watch', 'empty'], /^ortune: empty is no training run; name the output_dir of one$/m],
        [['watch', 'damaged'], /^ortune: damaged\/training\.json .*JSON/m],
        [
          ['watch', 'empty', '--port', '0'],
          /'--port <n>' argument '0' is invalid\. It must be a whole number from 1 to 65535/,
        ],
        [['watch', 'empty', '--port', '99999'], /must be a whole number from 1 to 65535/],
        [['serve', '--model', 'nowhere'], /^ortune: nowhere does not exist; name the folder of a model$/m],
        [
          ['serve', '--model', 'empty'],
          /^ortune: empty is no model: it lacks config\.json; name a folder with/m,
        ],
        [['serve', 'empty'], /too many arguments/],
      ]
      for (const [args, says] of cases) {
        const { code, stdout, stderr } = await runHere(folder, ...args)
        const what = args.join(' ')
        expect(stderr, what).to.match(says)
        expect(stderr, what).to.match(/^(ortune|error): .+\n(\n?\(.+\)\n)*$/)
        expect([code, stdout], what).to.deep.equal([2, ''])
      }
      expect((await runAlone(folder, 'watch', 'nowhere')).code).to.equal(2)
      expect(await listing(folder)).to.deep.equal(before)
    }))

  it('name a port that is taken', () =>
    withServer([], async (url) => {
      const { serveUntilEnded } = await import('../../src/cli/serving.ts')
      const { rejection } = await import('../rejection.ts')
      const { port } = new URL(url)
      const { message } = await rejection(serveUntilEnded([], { port: Number(port) }, 'a page'))
      expect(message).to.match(
        new RegExp(`^port ${port} of 127\\.0\\.0\\.1 is taken by another program; name another`),
      )
    }))

  it('have an example in their help', async () => {
    for (const [command, example] of [
      ['serve', 'ortune serve --model models/gpt2 --open'],
      ['watch', 'ortune watch runs/dictionary --open'],
    ] as const) {
      const { stdout, code } = await runHere('.', command, '--help')
      expect(code).to.equal(0)
      expect(stdout).to.include(`Example:\n  ${example}\n`)
      for (const option of ['--port', '--host', '--open', '--json']) expect(stdout).to.include(option)
    }
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import type { Outcome } from './run_cli.ts'
import { runHere } from './run_cli.ts'

const config = `
model: model
output_dir: run
data: [{ path: rows.csv, split: { column: split } }]
template: { prompt: 'Word: {{ word }} ;', completion: ' {{ definition }}' }
max_steps: 1
`

/** One sentence, without anything that a terminal obeys. */
function expectSentence({ code, stdout, stderr }: Outcome, says: RegExp): void {
  expect(stderr).to.match(says)
  expect(stderr).to.match(/^ortune: [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]{1,600}\n$/u)
  expect(stdout).to.equal('')
  expect(code).to.equal(2)
}

describe('hostile input', () => {
  it('moves no cursor and does not fill the terminal', () =>
    withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeFile(join(folder, 'config.yaml'), config)
      const columns = Array.from({ length: 5000 }, (_, i) => `\x1b]0;owned\x07\x9b2J\u202Ecolumn${i}`)
      await writeFile(join(folder, 'rows.csv'), `${columns.join(',')}\n${columns.join(',')}\n`)
      expectSentence(
        await runHere(folder, 'prepare', 'config.yaml'),
        /␛\]0;owned␇‹U\+009B›2J‹U\+202E›column0, .* and 4980 more/,
      )
    }))
})

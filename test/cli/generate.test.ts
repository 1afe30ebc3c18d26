import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'
import { runHere } from './run_cli.ts'

interface Generated {
  readonly template: object | null
  readonly continuations: readonly { readonly prompt: string; readonly text: string }[]
}

describe("ortune generate, with a run's template", () => {
  it('writes columns, rows and prompts by it, and says so on standard error', async () => {
    await withFolder(async (folder) => {
      const template = { prompt: 'Word: {{ word }} ;', completion: ' {{ definition }}' }
      const rows = ['dog', 'cat', 'sea'].map((word) => ({ word, definition: `a ${word}` }))
      const { run } = await createTinyRun(folder, rows, { template })
      await writeBestCheckpoint(run)
      await writeFile(join(folder, 'words.jsonl'), '{"word": "dog"}\n"dog"\n"Word: dog ;"\n')
      const generate = (...args: string[]) =>
        runHere(folder, 'generate', 'run', '--max-new-tokens', '6', ...args)
      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await generate(...args, '--json')
        expect(code, stderr).to.equal(0)
        return JSON.parse(stdout) as Generated
      }
      const raw = await json('--prompt', 'Word: dog ;', '--raw')
      expect(raw.template).to.equal(null)
      for (const given of [
        ['--column', 'word=dog'],
        ['--row', '{"word": "dog"}'],
        ['--prompt', 'dog'],
      ]) {
        const { template: applied, continuations } = await json(...given)
        expect(applied).to.deep.equal(template)
        expect(continuations).to.deep.equal(raw.continuations)
      }
      const all = (await json('--prompt-file', 'words.jsonl')).continuations
      expect(all.map(({ text }) => text)).to.deep.equal(Array(3).fill(raw.continuations[0]!.text))

      const said = await generate('--prompt', 'dog')
      expect(said.stdout).to.equal(`Word: dog ;${raw.continuations[0]!.text}\n`)
      expect(said.stderr.split('\n')[0]).to.equal(
        `Written by the run's template (--raw leaves it out): "Word: dog ;"`,
      )
      const already = await generate('--prompt', 'Word: dog ;')
      expect(already.stdout).to.equal(said.stdout)
      expect(already.stderr).to.match(/^The prompts are written as the run's template writes/)
      expect((await json('--prompt', 'dog', '--raw')).continuations[0]!.prompt).to.equal('dog')

      for (const [args, says] of [
        [['--column', 'wrod=dog'], /there is no column "word"; the run's template reads word/],
        [['--column', 'dog'], /--column dog is no column; write name=value/],
        [['--row', 'dog'], /--row dog is no JSON object/],
        [['--prompt', 'dog', '--template', '2'], /run has no template 2, as there are 1/],
        [['--column', 'word=dog', '--raw'], /prompt 1 has columns, and there is no run's template/],
        [[], /there is no prompt to continue; give --prompt, --column, --row or --prompt-file/],
      ] as const) {
        const { code, stderr, stdout } = await generate(...args)
        expect(stderr).to.match(says)
        expect([code, stdout]).to.deep.equal([2, ''])
      }
    })
  })
})

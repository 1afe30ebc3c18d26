import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { openClassifier } from '../../src/models/open_classifier.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { runHere } from './run_cli.ts'

const classes = ['bad', 'good', 'neither']

/** A run of one step. */
async function createClassifier(folder: string, row: (label: string) => object): Promise<string> {
  const { run } = await createTinyRun(folder, classes.map(row), { task: 'classification', max_steps: 1 })
  await continueRun(run)
  return run
}

const probabilities = async (run: string, ...texts: string[]) => {
  const classifier = await openClassifier(run)
  const rows = await classifier.classify(texts)
  await classifier.release()
  return rows
}

interface Result {
  readonly texts: { text: string; classes: { name: string; probability: number }[] }[]
}

describe('ortune classify', () => {
  it('prints the classes of each text, the likeliest first', async () => {
    await withFolder(async (folder) => {
      const run = await createClassifier(folder, (label) => ({ text: `a ${label} thing`, label }))
      await writeFile(join(folder, 'texts.txt'), 'the sea\n\na dog\n')
      const given = ['--text', 'It is', '--file', 'texts.txt']
      const expected = await probabilities(run, 'It is', 'the sea', 'a dog')

      const { stdout, code } = await runHere(folder, 'classify', run, ...given, '--json')
      expect(code).to.equal(0)
      const { texts } = JSON.parse(stdout) as Result
      expect(texts.map(({ text }) => text)).to.deep.equal(['It is', 'the sea', 'a dog'])
      for (const [i, { classes: ranked }] of texts.entries()) {
        expect(ranked.map(({ name }) => name)).to.have.members(classes)
        for (const [rank, { name, probability }] of ranked.entries()) {
          expect(probability).to.be.closeTo(expected[i]![classes.indexOf(name)]!, 1e-6)
          if (rank > 0) expect(probability).to.be.at.most(ranked[rank - 1]!.probability)
        }
      }

      const said = await runHere(folder, 'classify', run, ...given)
      const shown = texts.map(({ text, classes: ranked }) =>
        [
          text,
          ...ranked.map(({ name, probability }) => `${name} ${(100 * probability).toFixed(1)} %`),
          '',
        ].join('\n'),
      )
      expect(said.stdout.replace(/^ +/gm, '').replace(/ +/g, ' ')).to.equal(shown.join('\n'))
    })
  })

  it("renders several columns by the run's template", async () => {
    await withFolder(async (folder) => {
      const run = await createClassifier(folder, (label) => ({ sentence1: label, sentence2: 'a dog', label }))
      const pair = JSON.stringify({ sentence1: 'It is', sentence2: 'the sea' })
      await writeFile(join(folder, 'pairs.jsonl'), `${pair}\n`)
      const [expected] = await probabilities(run, `It is${END_MARK}the sea`)
      const given = ['--text', pair, '--file', 'pairs.jsonl', '--json']
      const { stdout } = await runHere(folder, 'classify', run, ...given)
      for (const { classes: ranked } of (JSON.parse(stdout) as Result).texts)
        for (const { name, probability } of ranked)
          expect(probability).to.be.closeTo(expected![classes.indexOf(name)]!, 1e-6)

      const mistake = await runHere(folder, 'classify', run, '--text', 'It is')
      expect(mistake.stderr).to.match(
        /^ortune: text 1 is no JSON object of the columns .* write {"sentence1"/,
      )
      expect(mistake.code).to.equal(2)
    })
  })

  it('reads the rows of a .jsonl file by their column', async () => {
    await withFolder(async (folder) => {
      const run = await createClassifier(folder, (label) => ({ text: `a ${label} thing`, label }))
      await writeFile(join(folder, 'rows.jsonl'), '{"text":"It is"}\n')
      const [expected] = await probabilities(run, 'It is')
      const { stdout } = await runHere(folder, 'classify', run, '--file', 'rows.jsonl', '--json')
      const [result] = (JSON.parse(stdout) as Result).texts
      expect(result!.text).to.equal('{"text":"It is"}')
      for (const { name, probability } of result!.classes)
        expect(probability).to.be.closeTo(expected![classes.indexOf(name)]!, 1e-6)
    })
  })

  it('ends with code 2 and one sentence where something is wrong', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, [{ prompt: 'a', completion: ' b' }])
      await writeFile(join(folder, 'texts.jsonl'), '"fine"\n17\n')
      await writeFile(join(folder, 'broken.jsonl'), '{"text": "fine"\n')
      const cases: [string[], RegExp][] = [
        [[model, '--file', 'broken.jsonl'], /broken\.jsonl, line 1 is no JSON object/],
        [[model, '--file', 'texts.csv'], /texts\.csv is a table, .* save its rows as JSON objects/],
        [[model, '--file', 'texts.TSV'], /texts\.TSV is a table/],
        [[model], /there is no text to classify; give --text or --file/],
        [[model, '--text', 'a'], /model is no classifier/],
        [[run, '--text', 'a'], /run has no checkpoint yet/],
        [[model, '--file', 'texts.jsonl'], /texts\.jsonl, line 2 is no JSON string/],
        [[model, '--file', 'nowhere.txt'], /nowhere\.txt does not exist/],
      ]
      for (const [args, says] of cases) {
        const { code, stdout, stderr } = await runHere(folder, 'classify', ...args)
        expect(stderr).to.match(says)
        expect(stderr).to.match(/^ortune: .+\n$/)
        expect(stdout).to.equal('')
        expect(code).to.equal(2)
      }
    })
  })
})

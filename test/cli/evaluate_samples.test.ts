import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { SampleTexts } from '../../src/evaluation/sample_texts.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { runHere } from './run_cli.ts'

const template = { prompt: 'Word: {{ word }} ;', completion: ' {{ text }}<|endoftext|>' }
const rows = [
  { word: 'elk', text: 'a large deer' },
  { word: 'bee', text: 'an insect' },
  { word: 'ox', text: 'a bull' },
]
const pairs = rows.map(({ word, text }) => ({ prompt: `a ${word} is`, chosen: ` ${text}`, rejected: ' not' }))
const short = { max_steps: 1, eval_steps: 1, threads: 1, per_device_train_batch_size: 2 }

async function trained(folder: string, given: readonly object[], config: object): Promise<void> {
  const { run } = await createTinyRun(folder, given, { ...short, ...config })
  await continueRun(run)
}

const json = (stdout: string) =>
  JSON.parse(stdout) as { readonly compared?: readonly Sampled[] } & Sampled & { readonly loss?: number }

interface Sampled {
  readonly checkpoint: string
  readonly generation?: object | null
  readonly sample_texts: SampleTexts
}

describe('ortune evaluate --samples --concepts --prompt', function () {
  this.timeout(60_000)

  it('shows texts with their figures, keeps them and draws them', () =>
    withFolder(async (folder) => {
      await trained(folder, rows, { template })
      await writeFile(join(folder, 'prompts.jsonl'), '"Word: bee ;"\n{"word": "ox"}\n')
      const asked = ['--samples', '2', '--concepts', 'elk, yak', '--prompt-file', 'prompts.jsonl']
      const { code, stdout, stderr } = await runHere(
        folder,
        ...['evaluate', 'run', ...asked, '--generate', '0', '--json'],
      )
      expect(code, stderr).to.equal(0)
      const { sample_texts: found, generation, loss } = json(stdout)
      expect(generation).to.equal(null)
      expect(loss).to.be.greaterThan(0)
      expect(
        found.texts.map(({ prompt, concept, split, references }) => [prompt, concept, split, references[0]]),
      ).to.deep.equal([
        ['Word: elk ;', null, 'validation', 'a large deer'],
        ['Word: bee ;', null, 'validation', 'an insect'],
        ['Word: elk ;', 'elk', 'validation', 'a large deer'],
        ['Word: yak ;', 'yak', null, undefined],
        ['Word: bee ;', null, 'validation', 'an insect'],
        ['Word: ox ;', null, 'validation', 'a bull'],
      ])
      for (const { length, cosine, entropy, bleu, meteor, split } of found.texts) {
        expect(length).to.be.within(1, found.max_new_tokens)
        expect(cosine).to.be.within(-1, 1)
        expect(entropy).to.be.within(0, Math.log(512))
        if (split === null) expect({ bleu, meteor }).to.deep.equal({ bleu: null, meteor: null })
        else for (const value of [bleu, meteor]) expect(value).to.be.within(0, 1)
      }
      const kept = await readFile(join(folder, 'run', 'evaluation-best-validation.json'), 'utf8')
      expect(json(kept).sample_texts).to.deep.equal(found)
      const svg = await readFile(join(folder, 'run', 'samples.svg'), 'utf8')
      expect(svg).to.include('>Word: yak ;<').and.to.include('>not in the data, so without a reference<')

      const table = await runHere(
        folder,
        'evaluate',
        'run',
        '--concepts',
        'elk',
        'ox',
        '--baseline',
        '--generate',
        '0',
      )
      expect(table.stdout).to.match(/^loss/m)
      expect(table.stdout).to.match(/^ {6}— run \(base\)\ntext .*\n(.*\n)* {6}tokens \d+ {2}cosine/m)
      expect(table.stdout).to.match(/^run \(best\) +[\d.]+ /m)
      expect(table.stdout).to.match(/^texts as a picture: run\/samples\.svg$/m)
    }))

  for (const [task, given, config] of [
    ['dpo', pairs, {}],
    [
      'ppo',
      rows,
      { template, ppo: { reward: { metric: 'bleu' }, batch_size: 2, mini_batch_size: 2, max_new_tokens: 4 } },
    ],
    ['sft', rows, { template, lora: 'none', npt: { rank: 2, layers: 'all' } }],
  ] as const)
    it(`works for task ${task}${'npt' in config ? ' on plastic blocks' : ''}, also where no other evaluation is`, () =>
      withFolder(async (folder) => {
        await trained(folder, given, { task, ...config })
        const compared = 'npt' in config ? [] : ['--baseline']
        const { code, stdout, stderr } = await runHere(
          folder,
          'evaluate',
          'run',
          '--samples',
          '3',
          ...compared,
          '--json',
        )
        expect(code, stderr).to.equal(0)
        const found = json(stdout)
        for (const one of found.compared ?? [found]) {
          expect(one.sample_texts.texts).to.have.length(3)
          expect(one.sample_texts.means.bleu).to.be.within(0, 1)
        }
        const { stdout: shown } = await runHere(
          folder,
          'evaluate',
          'run',
          '--samples',
          '1',
          '--generate',
          '0',
        )
        expect(shown).to.match(/^ {6}tokens \d+ {2}cosine/m)
      }))

  it('is refused in a sentence, before anything is evaluated', () =>
    withFolder(async (folder) => {
      const labelled = rows.map(({ text, word }) => ({ text, label: word.length > 2 ? 'long' : 'short' }))
      await createTinyRun(join(folder, 'classes'), labelled, { task: 'classification' })
      await createTinyRun(join(folder, 'reward'), pairs, { task: 'reward' })
      await createTinyRun(join(folder, 'plain'), [{ text: 'a fox' }], { template: { text: '{{ text }}' } })
      await createTinyRun(join(folder, 'words'), rows, {
        template: { ...template, prompt: '{{ word }} {{ text.length }}' },
      })
      for (const [run, asked, says] of [
        ['classes', ['--concepts', 'elk'], /trains a classifier, which writes no texts; leave --samples, /],
        ['reward', ['--samples', '3'], /trains a reward model, which writes no texts; leave --samples, /],
        ['plain', ['--samples', '3'], /has no prompts in its validation data to draw samples from/],
        ['words', ['--concepts', 'yak'], /no row of words\/run has "yak" for its word, .* reads text too/],
        ['words', ['--concepts', 'elk,'], /--concepts has an empty one/],
        ['words', ['--prompt', ' '], /prompt 1 is neither written as the run's template writes/],
      ] as const) {
        const { code, stderr, stdout } = await runHere(folder, 'evaluate', `${run}/run`, ...asked)
        expect(stderr).to.match(says)
        expect(stderr.trim().split('\n'), stderr).to.have.length(1)
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' })
        expect(existsSync(join(folder, run, 'run', 'samples.svg'))).to.equal(false)
      }
    }))
})

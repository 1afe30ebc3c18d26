import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { runHere } from './run_cli.ts'

/** Prompts of 4 to 10 tokens, of which two have an answer. */
const rows = [
  { prompt: 'The sea is', completion: ' wide' },
  { prompt: 'A dog is', completion: ' an animal' },
  ...['Who are you?', 'No', 'Dogs are', 'Is a cat wide?'].map((prompt) => ({ prompt, completion: '' })),
]

const config = `
task: ppo
model: model
output_dir: run
data: [{ path: train.jsonl, split: { all: train } }, { path: train.jsonl, split: { all: validation } }]
ppo: { reward: { metric: rougeL }, max_new_tokens: 8 }
`

interface Prepared {
  readonly prompts: boolean
  readonly splits: { readonly train: { readonly examples: number; readonly tokens: number } }
  readonly examples: readonly {
    readonly segments: readonly Segment[]
    readonly reference: readonly Segment[]
  }[]
}

interface Segment {
  readonly text: string
  readonly tokens: number
  readonly learned: boolean
}

describe('ortune prepare', () => {
  it('of PPO shows prompts and the answers to compare with, and speaks of no loss', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeFile(join(folder, 'train.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
      await writeFile(join(folder, 'ppo.yaml'), config)
      const { code, stdout, stderr } = await runHere(folder, 'prepare', 'ppo.yaml', '--examples', '6')
      expect(code, stderr).to.equal(0)
      expect(stdout).to.match(/^ +prompts +tokens +of references/m)
      expect(stdout).to.match(
        /\nprompt 1: \d+ tokens\n {2}The sea is\nreference answer: \d+ tokens\n {3}wide<\|endoftext\|>\n/,
      )
      expect(stdout).to.match(/\nprompt 3: \d+ tokens\n {2}Who are you\?\n\n/)
      expect(stdout).not.to.match(/loss|⟦|example \d/)

      const json = await runHere(folder, 'prepare', 'ppo.yaml', '--examples', '6', '--json')
      const { prompts, splits, examples } = JSON.parse(json.stdout) as Prepared
      expect(prompts).to.equal(true)
      expect(examples.map(({ segments }) => segments.map(({ text }) => text))).to.deep.equal(
        rows.map(({ prompt }) => [prompt]),
      )
      expect(examples.map(({ reference }) => reference.map(({ text }) => text))).to.deep.equal(
        rows.map(({ completion }) => (completion === '' ? [] : [`${completion}<|endoftext|>`])),
      )
      const shown = examples.flatMap(({ segments, reference }) => [...segments, ...reference])
      expect(shown.some(({ learned }) => learned)).to.equal(false)
      const ofPrompts = examples.flatMap(({ segments }) => segments.map(({ tokens }) => tokens))
      expect(splits.train).to.include({ examples: 6, tokens: ofPrompts.reduce((sum, n) => sum + n) })
    })
  })

  it('refuses what training would refuse', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      await writeFile(join(folder, 'ppo.yaml'), config)
      const { code, stderr } = await runHere(folder, 'prepare', 'ppo.yaml', 'dpo.beta=0.1')
      expect(stderr).to.match(/^ortune: dpo has options for task dpo alone/)
      expect(code).to.equal(2)
    })
  })
})

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { continueRun } from '../../src/runs/continue.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { runHere } from './run_cli.ts'

const rows = [
  {
    messages: [
      { role: 'user', content: 'a dog is' },
      { role: 'assistant', content: 'an animal' },
    ],
  },
]

describe('ortune merge after a run on conversations', () => {
  for (const [filter, notes] of [
    ['trim', []],
    ['title', [/^no chat_template was written: Jinja does not have the filter "title" /]],
  ] as const)
    it(`suggests chat, and says what is not written: ${filter}`, () =>
      withFolder(async (folder) => {
        const { run } = await createTinyRun(folder, rows, {
          max_steps: 1,
          template: { user: `{{ content | ${filter} }}\n`, assistant: '{{ content }}<|endoftext|>' },
        })
        await continueRun(run)
        const { stdout, stderr } = await runHere(folder, 'merge', 'run', '--out', 'one')
        expect(stdout).to.include('ortune chat one\n').and.not.include('ortune generate')
        expect(stderr.split('\n').filter((line) => line.startsWith('note: no chat'))).to.have.length(
          notes.length,
        )
        const said = JSON.parse((await runHere(folder, 'merge', 'run', '--out', 'two', '--json')).stdout) as {
          notes: string[]
        }
        expect(said.notes).to.have.length(notes.length)
        for (const [i, pattern] of notes.entries()) expect(said.notes[i]).to.match(pattern)
        const config = await readFile(join(folder, 'two', 'tokenizer_config.json'), 'utf8').catch(() => '{}')
        expect('chat_template' in (JSON.parse(config) as object)).to.equal(notes.length === 0)
      }))
})

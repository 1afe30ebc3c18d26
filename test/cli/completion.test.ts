import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { runHere } from './run_cli.ts'

const run = promisify(execFile)

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runHere('.', 'completion', shell)
  expect(code, stderr).to.equal(0)
  return stdout
}

/** What bash offers for a line that ends at the cursor, its words as bash takes them apart. */
async function offered(folder: string, ...words: string[]): Promise<string[]> {
  const line = words.map((word) => `'${word}'`).join(' ')
  const ask = `source ./ortune.bash; COMP_WORDS=(ortune ${line}); COMP_CWORD=${words.length}; _ortune 2> /dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['--norc', '-c', ask], { cwd: folder })
  return stdout.split('\n').filter((word) => word !== '')
}

describe('ortune completion', () => {
  it('completes in bash: commands, options, their choices, files, keys and their values', async () => {
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'ortune.bash'), await script('bash'))
      for (const name of ['a.yaml', 'b.yml', 'c.csv']) await writeFile(join(folder, name), '')
      await mkdir(join(folder, 'runs'))
      const cases: readonly [words: string[], replies: string[]][] = [
        [['tra'], ['train']],
        [['in'], ['init', 'inspect']],
        [['judge', '--rep'], ['--repetition-penalty']],
        [
          ['train', '--'],
          ['--json', '--help'],
        ],
        [['evaluate', 'runs', '--split', 'te'], ['test']],
        [
          ['generate', '--checkpoint', ''],
          ['best', 'last', 'base'],
        ],
        [
          ['train', ''],
          ['a.yaml', 'b.yml', 'runs'],
        ],
        [['train', 'a.yaml', 'learning_r'], ['learning_rate=']],
        [['train', 'a.yaml', 'dpo.be'], ['dpo.beta=']],
        [
          ['prepare', 'a.yaml', 'task', '=', 's'],
          ['sft', 'simpo'],
        ],
        [
          ['train', 'a.yaml', 'packing', '='],
          ['true', 'false'],
        ],
        [['train', 'a.yaml', 'seed=1', 'lora.r'], ['lora.r=']],
        [
          ['init', '--task', 's'],
          ['sft', 'simpo'],
        ],
        [['init', '--task', '=', 'orp'], ['orpo']],
        [['resume', 'runs', 'ma'], ['max_steps=']],
        [['resume', 'runs', 'task'], []],
        [['resume', 'ru'], ['runs']],
        [
          ['resume', 'runs', 'provider', '='],
          ['cpu', 'webgpu', 'cuda', 'auto'],
        ],
        [['help', 'tr'], ['train']],
        [
          ['completion', ''],
          ['bash', 'zsh', 'fish'],
        ],
        [['prepare', 'a.yaml', '--out', 'r'], ['runs']],
        [
          ['train', '--json', ''],
          ['a.yaml', 'b.yml', 'runs'],
        ],
        [['generate', 'ru'], ['runs']],
        [
          ['nothing', ''],
          ['a.yaml', 'b.yml', 'c.csv', 'ortune.bash', 'runs'],
        ],
      ]
      for (const [words, replies] of cases)
        expect(await offered(folder, ...words), words.join(' ')).to.have.members(replies)
    })
  })

  it('writes a script for zsh and one for fish, with every command', async () => {
    const zsh = await script('zsh')
    expect(zsh)
      .to.match(/^#compdef ortune\n/)
      .and.include('bashcompinit')
      .and.include('complete -F _ortune ortune')
    const fish = await script('fish')
    for (const command of ['init', 'train', 'judge', 'completion'])
      expect(fish).to.match(
        new RegExp(`^complete -c ortune -n __fish_use_subcommand -f -a ${command} -d '`, 'm'),
      )
    expect(fish).to.match(
      /__fish_seen_subcommand_from evaluate' -l split -d '.*' -x -a 'train validation test'$/m,
    )
    for (const line of fish.trimEnd().split('\n'))
      expect(line.replaceAll("\\'", '').split("'").length % 2).to.equal(1)
  })

  it('knows no other shell', async () => {
    const { code, stderr } = await runHere('.', 'completion', 'tcsh')
    expect(stderr).to.match(/'tcsh' is invalid .*\. Allowed choices are bash, zsh, fish/)
    expect(code).to.equal(2)
  })
})

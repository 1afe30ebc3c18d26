import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'
import { parse } from 'yaml'

import type { JsonSchema } from '../../src/json_schema.ts'
import { mappingsOf } from '../../src/schema_words.ts'
import { TASK_NAMES } from '../../src/tasks/index.ts'
import { runHere } from './run_cli.ts'

const project = join(import.meta.dirname, '..', '..')

/** The headings of keys in a help. */
const keysIn = (help: string): string[] =>
  Array.from(help.matchAll(/^ {2}([a-z][\w.]*)(?: = .*| \(required\))?\n {4}\S/gm), ([, key]) => key!)

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(project, ...args)
  expect(stderr).to.equal('')
  expect(code).to.equal(0)
  return stdout
}

describe('the help of commands', () => {
  let schema: JsonSchema
  before(async () => {
    schema = JSON.parse(await printed('schema')) as JsonSchema
  })

  for (const command of ['train', 'prepare', 'sweep'])
    it(`lists the keys of a YAML file, with those of a task: ${command}`, async () => {
      const shared = Object.keys(schema.properties!).filter((key) => !TASK_NAMES.includes(key as never))
      const help = await printed(command, '--help')
      expect(keysIn(help)).to.deep.equal(shared)
      for (const task of TASK_NAMES) {
        const own = Object.keys(mappingsOf(schema.properties![task]!)[0]!.properties ?? {})
        expect(help).to.match(new RegExp(`\\b${task}\\b`))
        expect(keysIn(await printed(command, `task=${task}`, '--help'))).to.deep.equal([
          ...shared,
          ...own.map((key) => `${task}.${key}`),
        ])
      }
      expect(await printed(command, 'data/dpo.yaml', '--help')).to.equal(
        await printed(command, 'task=dpo', '--help'),
      )
      expect(await printed(command, 'nowhere.yaml', '--help')).to.equal(help)
    })

  it('fits a terminal of 80 columns', async () => {
    const help = await printed('train', 'task=ppo', '--help')
    expect(help.split('\n').filter((line) => line.length > 80)).to.deep.equal([])
  })

  it('says the version', async () => {
    const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
      readonly version: string
    }
    for (const flag of ['--version', '-V']) expect(await printed(flag)).to.equal(`${version}\n`)
  })

  it('a command that is nearly one is suggested', async () => {
    const { code, stderr } = await runHere(project, 'trian', 'data/dpo.yaml')
    expect(stderr).to.match(/^error: unknown command 'trian'\n\(Did you mean train\?\)\n/)
    expect(code).to.equal(2)
  })
})

describe('the JSON schema of a YAML file', () => {
  it('knows every key of the sample configurations, with what it means', async () => {
    const schema = JSON.parse(await printed('schema')) as JsonSchema
    const names = (await readdir(join(project, 'data'))).filter((name) => name.endsWith('.yaml'))
    expect(names).not.to.deep.equal([])
    for (const name of names) {
      const config = parse(await readFile(join(project, 'data', name), 'utf8')) as object
      for (const key of Object.keys(config)) {
        // Options of a task say on its page what they are.
        const meaning = TASK_NAMES.includes(key as never) || schema.properties![key]!.description
        expect(meaning, `${name}: ${key}`).to.be.ok
      }
    }
    expect(schema).to.deep.include({ additionalProperties: false, required: ['model', 'output_dir', 'data'] })
  })

  it('tells where it lies', async () => {
    const path = (await printed('schema', '--path')).trimEnd()
    expect(path).to.equal(join(project, 'docs', 'ortune.schema.json'))
    expect(JSON.parse(await printed('schema', '--path', '--json'))).to.deep.equal({ schema: path })
    expect(JSON.parse(await readFile(path, 'utf8'))).to.deep.equal(JSON.parse(await printed('schema')))
  })
})

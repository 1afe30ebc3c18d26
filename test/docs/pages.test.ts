import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { expect } from 'chai'
import { parse } from 'yaml'

import { checkConfig } from '../../src/runs/check_config.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { TASK_NAMES } from '../../src/tasks/index.ts'
import { docs } from '../../tools/docs/pages.ts'
import { runHere } from '../cli/run_cli.ts'

const root = join(docs, '..')
const pages = new Map(
  [
    ...readdirSync(docs).map((name) => join('docs', name)),
    'README.md',
    'CONTRIBUTING.md',
    join('data', 'README.md'),
  ].map((name) => [name, readFileSync(join(root, name), 'utf8')]),
)

const blocks = (language: string): [page: string, block: string][] =>
  [...pages].flatMap(([name, text]) =>
    Array.from(
      text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')),
      ([, block]): [string, string] => [name, block!],
    ),
  )

/** Headings as a link within a page names them. */
const anchors = (text: string): string[] =>
  Array.from(text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )

describe('the pages of the documentation', () => {
  it('are there for every task, and in the index', () => {
    for (const name of TASK_NAMES) {
      expect([...pages.keys()]).to.include(join('docs', `${name}.md`))
      expect(pages.get(join('docs', 'README.md'))).to.include(`[${name}](${name}.md)`)
    }
  })

  it('link to files and headings that exist', () => {
    for (const [name, text] of pages)
      for (const [, link] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [file, heading] = link!.split('#') as [string, string?]
        const path = file ? resolve(root, dirname(name), file) : join(root, name)
        expect(existsSync(path), `${name} links to ${link}`).to.equal(true)
        if (heading !== undefined)
          expect(anchors(readFileSync(path, 'utf8')), `${name} links to ${link}`).to.include(heading)
      }
  })

  it('show a program of a page that runs in a browser', () => {
    const example = readFileSync(join(root, 'test', 'browser', 'inside', 'example.ts'), 'utf8')
    expect(blocks('ts').map(([, block]) => block)).to.include(example)
  })

  it('name files of data/ that are there', () => {
    for (const [name, text] of pages)
      for (const [path] of text.matchAll(/(?<![\w./-])data\/[\w-]+\.(?:yaml|csv|tsv|jsonl?|parquet)\b/g))
        expect(existsSync(join(root, path)), `${name}: ${path}`).to.equal(true)
  })

  it('show configurations that would run', () => {
    const configurations = blocks('yaml').filter(([, block]) => /^(?:task|model):/m.test(block))
    expect(configurations.length).to.be.greaterThan(7)
    for (const [name, block] of configurations) {
      const { data, error } = runConfigSchema.safeParse(parse(block))
      expect(error?.message, `${name}: ${block}`).to.equal(undefined)
      expect(() => checkConfig(data!), `${name}: ${block}`).not.to.throw()
    }
  })

  it('know every command, and show no others', async () => {
    const { stdout } = await runHere(root, '--help')
    const commands = Array.from(stdout.matchAll(/^ {2}(\w+) /gm), ([, name]) => name!).filter(
      (name) => name !== 'help',
    )
    expect(commands).to.include.members(['train', 'inspect'])
    for (const name of commands)
      expect(pages.get(join('docs', 'commands.md')), 'docs/commands.md').to.match(
        new RegExp(`^\\| \`${name}\` `, 'm'),
      )
    for (const [page, block] of blocks('sh'))
      for (const [, name] of block.matchAll(/\bortune (\w+)/g)) expect(commands, page).to.include(name)
  })
})

import { expect } from 'chai'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../graphs')

/** What a module imports or re-exports, types included. */
const importsOf = (source: string): string[] =>
  [...source.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!)

describe('the graph layer', () => {
  it('imports itself and protobuf, and nothing else', async () => {
    const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts'))
    expect(files.length).to.be.greaterThan(50)
    for (const file of files) {
      const source = await readFile(join(root, file), 'utf8')
      for (const specifier of importsOf(source)) {
        const inside =
          specifier.startsWith('.') &&
          !relative(root, resolve(root, dirname(file), specifier)).startsWith('..')
        expect(inside || specifier.startsWith('@bufbuild/protobuf'), `${file} imports ${specifier}`).to.equal(
          true,
        )
      }
      expect(source, file).not.to.match(/\b(?:process\.|Buffer\b|__dirname|require\()/)
    }
  })
})

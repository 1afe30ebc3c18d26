import { expect } from 'chai'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../graphs')

/** What a module imports or re-exports, types included. */
const importsOf = (source: string): string[] =>
  [...source.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!)

/** The same without what is gone at run time. */
const runTimeImportsOf = (source: string): string[] =>
  [...source.matchAll(/^(?:import|export) (?!type\b)(?:(?:\w+|[{*][^']*?) from )?'([^']+)'/gm)].map(
    ([, specifier]) => specifier!,
  )

const filesOf = async (): Promise<string[]> => {
  const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts'))
  expect(files.length).to.be.greaterThan(50)
  return files
}

/** The first way from a file back to itself. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const next of imports.get(file) ?? []) {
      const circle = visit(next, [...path, file])
      if (circle) return circle
    }
    done.add(file)
    return undefined
  }
  for (const file of imports.keys()) {
    const circle = visit(file, [])
    if (circle) return circle
  }
  return undefined
}

describe('the graph layer', () => {
  it('imports itself and protobuf, and nothing else', async () => {
    const files = await filesOf()
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

  it('has no circle of imports at run time', async () => {
    const imports = new Map<string, string[]>()
    for (const file of await filesOf()) {
      const specifiers = runTimeImportsOf(await readFile(join(root, file), 'utf8'))
      const inside = specifiers.filter((specifier) => specifier.startsWith('.'))
      imports.set(
        file,
        inside.map((specifier) => join(dirname(file), specifier)),
      )
    }
    const all = [...imports.values()].flat()
    expect(all.length).to.be.greaterThan(200)
    for (const file of all) expect(imports.has(file), file).to.equal(true)
    expect(circleIn(imports)).to.equal(undefined)
  })

  it('would find a circle', () => {
    const source = "import type { A } from './a.ts'\nimport { b } from './b.ts'\nexport * from './c.ts'\n"
    expect(runTimeImportsOf(source)).to.deep.equal(['./b.ts', './c.ts'])
    const imports = { a: ['b'], b: ['c', 'd'], c: [], d: ['e'], e: ['b'] }
    expect(circleIn(new Map(Object.entries(imports)))).to.deep.equal(['b', 'd', 'e', 'b'])
  })
})

import { readdir, readFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'

import { expect } from 'chai'

import floors from '../tools/floors.json' with { type: 'json' }

const root = join(import.meta.dirname, '..')

/** What a module imports or re-exports, types included. */
const importsOf = (source: string): string[] =>
  [...source.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!)

/** The same without what is gone at run time. */
const runTimeImportsOf = (source: string): string[] =>
  [
    ...source.matchAll(
      /^(?:import|export) (?!type\b)(?:(?:\w+|[{*][^']*?) from )?'([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map(([, fixed, awaited]) => (fixed ?? awaited)!)

/** A relative import as the path of a file; what comes from a package stays. */
const resolved = (file: string, specifier: string): string =>
  specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier

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

/** All that is imported on the ways from a file, with the way to each. */
function reachedFrom(
  file: string,
  imports: ReadonlyMap<string, readonly string[]>,
  way: readonly string[] = [file],
  reached = new Map<string, readonly string[]>(),
): ReadonlyMap<string, readonly string[]> {
  for (const next of imports.get(file) ?? []) {
    if (reached.has(next)) continue
    reached.set(next, [...way, next])
    reachedFrom(next, imports, [...way, next], reached)
  }
  return reached
}

const NODE = new Set(builtinModules)

/** What only Node has. */
const isNodes = (specifier: string): boolean =>
  specifier.startsWith('node:') || NODE.has(specifier) || specifier === 'onnxruntime-node'

/** What a browser tab needs, beside what the text of a page would import: `src/web.ts`. */
const PURE = [
  /^graphs\//,
  /^src\/(errors|random|anywhere|web|schema|quote)\.ts$/,
  /^src\/(learning|tasks|generation|text|metrics)\//,
  /^src\/formats\/(byte_file|bytes|encoding)\.ts$/,
  /^src\/data\/(?!sources\/read_rows\.ts|sets\/(?:arrow_file|prepare|split_files)\.ts)/,
  /^src\/runtime\/(runtime|session|web|web_runtime|training_state|host_state|closing|feeds)\.ts$/,
]

const isPure = (file: string): boolean => PURE.some((room) => room.test(file))

/** From below: a room may import those before it. `eslint.config.mjs` holds this while one types. */
const ROOMS: readonly (readonly string[])[] = [
  ['src'],
  ['graphs'],
  ...floors,
  ['anywhere.ts'],
  ['index.ts', 'web.ts'],
]

/** What is in no folder: `src` itself, but for the faces of the package. */
const roomOf = (file: string): string => {
  const [top, room] = file.split('/') as [string, string]
  if (top === 'graphs') return top
  return room.endsWith('.ts') && !['index.ts', 'web.ts', 'anywhere.ts'].includes(room) ? 'src' : room
}

const floorOf = (file: string): number => {
  const floor = ROOMS.findIndex((rooms) => rooms.includes(roomOf(file)))
  expect(floor, `${file} lies in a room that has no floor`).to.be.at.least(0)
  return floor
}

describe('the architecture', () => {
  const sources = new Map<string, string>()
  let imports: ReadonlyMap<string, readonly string[]>
  before(async () => {
    for (const top of ['graphs', 'src'])
      for (const name of await readdir(join(root, top), { recursive: true }))
        if (name.endsWith('.ts'))
          sources.set(posix.join(top, name), await readFile(join(root, top, name), 'utf8'))
    imports = new Map(
      [...sources].map(([file, source]) => [
        file,
        runTimeImportsOf(source).map((specifier) => resolved(file, specifier)),
      ]),
    )
    expect(sources.size).to.be.greaterThan(250)
    expect([...imports.values()].flat().length).to.be.greaterThan(800)
    for (const [file, all] of imports)
      for (const one of all)
        if (one.startsWith('src/')) expect(imports.has(one), `${file}: ${one}`).to.equal(true)
  })

  it('lets graphs import graphs and protobuf, and nothing else', () => {
    for (const [file, source] of sources) {
      if (!file.startsWith('graphs/')) continue
      for (const specifier of importsOf(source)) {
        const found = resolved(file, specifier)
        expect(
          found.startsWith('graphs/') || found.startsWith('@bufbuild/protobuf'),
          `${file} imports ${specifier}`,
        ).to.equal(true)
      }
    }
  })

  it('has no circle of imports at run time', () => {
    expect(circleIn(imports)).to.equal(undefined)
  })

  it('has arrows that point down, those of types too', () => {
    for (const [file, source] of sources)
      for (const specifier of importsOf(source)) {
        const found = resolved(file, specifier)
        if (!sources.has(found) || roomOf(found) === roomOf(file)) continue
        expect(floorOf(found), `${file} imports ${found}`).to.be.lessThan(floorOf(file))
      }
  })

  it('needs nothing of Node where a browser tab trains', () => {
    const pure = [...sources.keys()].filter(isPure)
    expect(pure.length).to.be.greaterThan(150)
    for (const room of PURE)
      expect(
        pure.some((file) => room.test(file)),
        String(room),
      ).to.equal(true)
    for (const file of pure) {
      // Whether it runs in Node may be asked.
      const source = sources.get(file)!.replace(/typeof process !== 'undefined' && process\.versions/, '')
      expect(source, file).not.to.match(/\b(?:process\.\w|Buffer\.\w|__dirname|require\()/)
      for (const [found, way] of reachedFrom(file, imports))
        expect(isNodes(found), way.join(' → ')).to.equal(false)
    }
  })

  it('would find a circle, and the way to what is Node’s', () => {
    const source =
      "import type { A } from './a.ts'\nimport { b } from './b.ts'\nexport * from './c.ts'\nawait import('./d.ts')\n"
    expect(runTimeImportsOf(source)).to.deep.equal(['./b.ts', './c.ts', './d.ts'])
    const some = new Map(Object.entries({ a: ['b'], b: ['c', 'd'], c: [], d: ['e', 'node:fs'], e: ['b'] }))
    expect(circleIn(some)).to.deep.equal(['b', 'd', 'e', 'b'])
    expect(reachedFrom('a', some).get('node:fs')).to.deep.equal(['a', 'b', 'd', 'node:fs'])
    expect(['node:fs', 'fs', 'onnxruntime-node', 'zod', 'onnxruntime-web'].map(isNodes)).to.deep.equal([
      ...[true, true, true],
      ...[false, false],
    ])
  })
})

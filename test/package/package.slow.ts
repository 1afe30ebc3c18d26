/**
 * What a stranger gets from the packed package, in a folder that knows nothing of this one. `npm run test:package`; npm's
 * registry must be within reach.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { getNodes, mustRunOn, runOn } from './nodes.ts'

const project = join(import.meta.dirname, '..', '..')
const tool = (...path: string[]) => join(project, 'node_modules', ...path)

/** The README's program, and what it says that it prints. */
const program = Array.from(
  readFileSync(join(project, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g),
  ([, code]) => code!,
).find((code) => code.includes('console.log'))!
const printed = /console\.log\(.*\) \/\/ (.*)/.exec(program)![1]!

const words = ['lantern,a light in a case', 'river,a stream of water', 'stone,a hard piece of rock']

const app: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'words.csv': [
    'word,definition,split',
    ...words.map((row) => `${row},train`),
    `${words[0]},validation`,
  ].join('\n'),
  'words.yaml': `
    model: node_modules/ortune/artifacts/pocket
    output_dir: runs/words
    data: [{ path: words.csv, split: { column: split } }]
    lora: { r: 4, lora_alpha: 8, target_modules: [c_attn] }
    max_steps: 3`,
  'import.mjs': `
    import { openNodeSession, UserError } from 'ortune'
    import { Graph } from 'ortune/graphs'
    import { gemm } from 'ortune/graphs/ops'
    import { lora } from 'ortune/graphs/layers/lora'
    import * as web from 'ortune/web'
    console.log([openNodeSession, UserError, Graph, gemm, lora, web.openWebSession, web.Graph].map((it) => typeof it).join())`,
  'program.ts': program,
  'types.ts': `
    import { openNodeSession } from 'ortune'
    import { openWebSession } from 'ortune/web'
    // @ts-expect-error: a session is no number, and the package's types know
    export const wrong: number[] = [await openNodeSession('a.onnx'), await openWebSession(new Uint8Array())]`,
  'index.html': '<!doctype html><script type="module" src="/page.ts"></script>',
  'page.ts': `
    import { Graph, openWebSession, serialize } from 'ortune/web'
    import { mul } from 'ortune/graphs/ops'
    const graph = new Graph('square')
    const x = graph.input('x', 'float32', [2])
    graph.output('y', mul(x, x))
    const session = await openWebSession(serialize(graph))
    const { y } = await session.run({ x: { dtype: 'float32', dims: [2], data: Float32Array.of(3, 4) } })
    document.title = Array.from(y!.data as Float32Array).join()`,
  'all/index.html': '<!doctype html><script type="module" src="/all.ts"></script>',
  'all/all.ts': `
    import * as ortune from 'ortune/web'
    document.title = Object.keys(ortune).join()`,
  // Without a "type", as npm writes it: Node looks at the syntax, and tsx takes the file for CommonJS.
  'rewards/package.json': '{}',
  'rewards/short.ts': `
    export default (samples: { response: string }[]): number[] => samples.map(({ response }) => -response.length / 100)`,
  'rewards/enum.ts': `
    enum Wanted { length = 40 }
    export default (samples: { response: string }[]): number[] => samples.map(({ response }) => response.length / Wanted.length)`,
  'score.mjs': `
    import { openRewardFunction } from 'ortune'
    const sample = { prompt: '', response: '1234567890', references: [] }
    try {
      const reward = await openRewardFunction({ function: process.argv[2] })
      console.log('scored', ...(await reward.score([sample])))
    } catch (error) {
      console.log(error.name, error.message)
    }`,
}

const tsconfig = (module: string, moduleResolution: string) =>
  JSON.stringify({
    compilerOptions: {
      ...{ module, moduleResolution, target: 'ES2022', strict: true, skipLibCheck: false, types: [] },
      outDir: `compiled/${moduleResolution}`,
    },
    files: ['program.ts', 'types.ts'],
  })

describe('the npm package', function () {
  this.timeout('5 min')
  let folder = ''
  let nodes = new Map<string, string>()
  const inApp = (...path: string[]) => join(folder, 'app', ...path)
  const inPackage = (...path: string[]) => inApp('node_modules', 'ortune', ...path)

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'ortune-package-')))
    await mustRunOn(process.execPath, project, 'npm', 'run', 'pack', '--', '--pack-destination', folder)
    for (const [name, text] of Object.entries(app)) {
      mkdirSync(join(inApp(name), '..'), { recursive: true })
      writeFileSync(inApp(name), text)
    }
    const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    // What onnxruntime-node's script fetches is for CUDA, and does not come from npm's registry.
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund']
    await mustRunOn(process.execPath, inApp(), 'npm', 'install', ...flags, join(folder, tarball!))
    nodes = await getNodes(folder)
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  /** On every Node, in a message that names it. */
  async function onEach(check: (node: string, version: string) => Promise<void>): Promise<void> {
    for (const [major, node] of nodes) {
      await check(node, major).catch((error: unknown) => {
        throw new Error(`on Node ${major}: ${(error as Error).message}`, { cause: error })
      })
    }
  }

  it('holds what is built, the pocket model, the samples and the prose, and is small', () => {
    const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    expect(statSync(join(folder, tarball!)).size).to.be.lessThan(15e6)
    const pages = readdirSync(project).filter((name) => name === 'docs')
    expect(readdirSync(inPackage())).to.have.members([
      ...[
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'artifacts',
        'data',
        'dist',
        'package.json',
        'src',
        ...pages,
      ],
    ])
    const files = readdirSync(inPackage(), { recursive: true }) as string[]
    expect(files.filter((name) => /(?<!\.d)\.ts$/.test(name))).to.deep.equal([])
    const built = files.filter((name) => /^dist\/(src|graphs)\/.*\.js$/.test(name))
    expect(built.length).to.be.greaterThan(100)
    for (const name of built) expect(files).to.include(name.replace(/\.js$/, '.d.ts'))
  })

  it('serves its page, ONNX Runtime from its own package, and the pocket model', () =>
    onEach(async (node) => {
      const serving = spawn(node, [inPackage('src', 'cli', 'ortune.mjs'), 'serve', '--json'], {
        cwd: inApp(),
      })
      try {
        const [line] = (await once(serving.stdout, 'data')) as [Buffer]
        const { url } = JSON.parse(String(line)) as { readonly url: string }
        const found = async (path: string) => (await fetch(new URL(path, url))).status
        for (const path of [
          '',
          'models.json',
          'models/pocket/model.safetensors',
          'ort/ort.wasm.bundle.min.mjs',
        ])
          expect(await found(path), path).to.equal(200)
        const scripts = readdirSync(inPackage('dist', 'page', 'assets'))
        expect(scripts.filter((name) => /\.(wasm|safetensors)$/.test(name))).to.deep.equal([])
      } finally {
        serving.kill()
      }
    }))

  it('brings no compiler along', () => {
    const compilers = ['tsx', 'esbuild', 'typescript']
    expect(readdirSync(inApp('node_modules')).filter((name) => compilers.includes(name))).to.deep.equal([])
  })

  it('trains the packed model by npx', () =>
    onEach(async (node, version) => {
      const said = await mustRunOn(
        node,
        inApp(),
        'npx',
        'ortune',
        'train',
        'words.yaml',
        `output_dir=runs/${version}`,
      )
      expect(said).to.include('trained 3 steps')
    }))

  it('is imported by plain JavaScript', () =>
    onEach(async (node) => {
      const said = await mustRunOn(node, inApp(), node, 'import.mjs')
      expect(said.trim()).to.equal(Array(7).fill('function').join())
    }))

  for (const [module, resolution] of [
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'bundler'],
  ] as const) {
    it(`has types for a strict project, under ${resolution}, and the README's program runs`, async () => {
      writeFileSync(inApp('tsconfig.json'), tsconfig(module, resolution))
      const compiled = join('compiled', resolution, 'program.js')
      // A compile takes seconds: the oldest Node and the newest must do.
      for (const node of new Set([[...nodes.values()].at(0)!, [...nodes.values()].at(-1)!]))
        await mustRunOn(node, inApp(), node, tool('typescript', 'bin', 'tsc'), '-p', '.')
      await onEach(async (node) => {
        expect((await mustRunOn(node, inApp(), node, compiled)).trim()).to.equal(printed)
      })
    })
  }

  /** Builds the page in a folder, which must need nothing of Node, and returns what Vite says and its scripts. */
  async function bundle(node: string, page: string, out: string) {
    const vite = tool('vite', 'bin', 'vite.js')
    const said = await mustRunOn(
      node,
      inApp(),
      node,
      vite,
      'build',
      page,
      '--outDir',
      inApp(out),
      '--emptyOutDir',
    )
    expect(said).not.to.match(/externalized/i)
    const scripts = readdirSync(inApp(out, 'assets')).filter((name) => name.endsWith('.js'))
    for (const name of scripts) {
      const imported = Array.from(
        readFileSync(inApp(out, 'assets', name), 'utf8').matchAll(
          /\b(?:import|from)\s*\(?\s*["'`]([^"'`]+)["'`]/g,
        ),
        ([, specifier]) => specifier!,
      )
      expect(
        imported.filter((name) => name.startsWith('node:') || builtinModules.includes(name)),
      ).to.deep.equal([])
    }
    return { said, scripts }
  }

  it('is bundled by Vite, whole, with nothing of Node', () =>
    onEach(async (node) => {
      const { scripts } = await bundle(node, 'all', 'dist-all')
      expect(scripts).not.to.be.empty
    }))

  it('is bundled by Vite into a page that runs without Node, with what it uses alone', () =>
    onEach(async (node) => {
      const { said, scripts } = await bundle(node, '.', 'dist')
      expect(said).not.to.match(/warn/i)
      expect(scripts.filter((name) => name.startsWith('ort.'))).to.have.length(2)
      const flags = ['--import', 'tsx', '--experimental-vm-modules', '--no-warnings']
      const page = join(import.meta.dirname, 'page.ts')
      const [title, loaded] = (await mustRunOn(node, project, node, ...flags, page, inApp('dist'))).split(
        '\n',
      )
      expect(title).to.equal('9,16')
      expect(loaded).to.match(/^ort\.wasm\.[^,]+$/)
    }))

  const score = async (node: string, file: string) =>
    (await mustRunOn(node, inApp(), node, '--no-warnings', 'score.mjs', join('rewards', file))).trim()

  it("reads a reward in TypeScript by Node's own means, or says what to do", () =>
    onEach(async (node, version) => {
      const erased = await score(node, 'short.ts')
      const transformed = await score(node, 'enum.ts')
      if (Number(version) >= 22) expect(erased).to.equal('scored -0.1')
      else
        expect(erased).to.match(
          /^UserError the reward function .* is TypeScript, .*install tsx.*\.mjs.*Node 22\.18/,
        )
      expect(transformed).to.match(/^UserError the reward function .* is TypeScript.*install tsx/)
    }))

  it('reads it by the tsx that lies beside it', async () => {
    mkdirSync(inApp('rewards', 'node_modules'))
    symlinkSync(tool('tsx'), inApp('rewards', 'node_modules', 'tsx'))
    try {
      await onEach(async (node) => {
        expect(await score(node, 'short.ts')).to.equal('scored -0.1')
        expect(await score(node, 'enum.ts')).to.equal('scored 0.25')
      })
    } finally {
      rmSync(inApp('rewards', 'node_modules'), { recursive: true })
    }
  })

  it('turns a mistake into one sentence', () =>
    onEach(async (node) => {
      const { code, said } = await runOn(node, inApp(), 'npx', 'ortune', 'train', 'nowhere.yaml')
      expect(code).to.equal(2)
      expect(said).to.match(/^ortune: .*nowhere\.yaml.*\n$/)
    }))
})

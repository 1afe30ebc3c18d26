/**
 * Runs a bundle as a page would, in a world of its own that has what the bundle needs of a browser and nothing of Node.
 * `node --import tsx --experimental-vm-modules page.ts <folder of the built page>` prints the page's title, and the scripts
 * of onnxruntime-web that it has loaded.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createContext, SourceTextModule } from 'node:vm'

const folder = process.argv[2]!
const origin = 'http://page.invalid'
const document = {
  title: '',
  querySelectorAll: () => [],
  getElementsByTagName: () => [],
  // To Vite, which asks for links to scripts before it imports them, all are there already.
  querySelector: () => ({ nonce: '', getAttribute: () => null }),
  createElement: () => ({ relList: { supports: () => true }, setAttribute() {}, addEventListener() {} }),
  head: { appendChild() {} },
}
const world = {
  ...{
    URL,
    TextDecoder,
    TextEncoder,
    Response,
    performance,
    setTimeout,
    clearTimeout,
    MessageChannel,
    atob,
    console,
  },
  document,
  location: new URL(origin),
  self: {},
  fetch: async (url: string) =>
    new Response(await readFile(join(folder, new URL(url, origin).pathname)), {
      headers: { 'content-type': 'application/wasm' },
    }),
}
world.self = world

const assets = join(folder, 'assets')
const context = createContext(world)
const modules = new Map<string, SourceTextModule>()

/** A script of the bundle, linked and evaluated once. */
async function script(name: string): Promise<SourceTextModule> {
  const before = modules.get(name)
  if (before) return before
  const found = new SourceTextModule(await readFile(join(assets, name), 'utf8'), {
    context,
    initializeImportMeta: (meta) => {
      meta.url = `${origin}/assets/${name}`
    },
    importModuleDynamically: (specifier) => script(basename(specifier)),
  })
  modules.set(name, found)
  await found.link((specifier) => script(basename(specifier)))
  await found.evaluate()
  return found
}

const entry = /src="\/assets\/([^"]+)"/.exec(await readFile(join(folder, 'index.html'), 'utf8'))![1]!
await script(entry)
console.log(document.title)
console.log([...modules.keys()].filter((name) => name.startsWith('ort.')).join())

/**
 * Runs a bundle as a page would, in a world of its own that has what the bundle needs of a browser and nothing of Node.
 * `node --import tsx --experimental-vm-modules page.ts <folder of the built page>` prints the page's title.
 * @module
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createContext, SourceTextModule } from 'node:vm'

const folder = process.argv[2]!
const origin = 'http://page.invalid'
const document = {
  title: '',
  querySelectorAll: () => [],
  createElement: () => ({ relList: { supports: () => true } }),
}
const world = {
  ...{ URL, TextDecoder, TextEncoder, Response, performance, setTimeout, clearTimeout, atob, console },
  document,
  location: new URL(origin),
  self: {},
  fetch: async (url: string) =>
    new Response(await readFile(join(folder, new URL(url, origin).pathname)), {
      headers: { 'content-type': 'application/wasm' },
    }),
}
world.self = world

const script = (await readdir(join(folder, 'assets'))).find((name) => name.endsWith('.js'))!
const bundle = new SourceTextModule(await readFile(join(folder, 'assets', script), 'utf8'), {
  context: createContext(world),
  initializeImportMeta: (meta) => {
    meta.url = `${origin}/assets/${script}`
  },
})
await bundle.link((specifier) => {
  throw new Error(`the bundle imports ${specifier}`)
})
await bundle.evaluate()
console.log(document.title)

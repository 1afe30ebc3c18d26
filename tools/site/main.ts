/**
 * The page for a static host: `npm run build:site` writes `dist/site` from the built page, ONNX Runtime's files and the pocket model.
 * @module
 */
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { isWebRuntimeFile, webRuntimeFolder } from '../../src/runtime/web_files.ts'
import { HEADERS, HEADERS_OF_PATHS } from '../../src/serve/headers.ts'
import { describeModels, isModelFile } from '../../src/serve/models.ts'

const project = join(import.meta.dirname, '..', '..')
const site = join(project, 'dist', 'site')
const pocket = join(project, 'artifacts', 'pocket')

async function copyChosen(from: string, to: string, isChosen: (name: string) => boolean): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) if (isChosen(name)) await cp(join(from, name), join(to, name))
}

/** As Netlify and Cloudflare Pages read it. A path that is named again adds to what is said of all, so that is taken back first. */
function headersFile(): string {
  const lines = (headers: object) => Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)
  const paths = Object.entries(HEADERS_OF_PATHS).flatMap(([path, headers]) => [
    path,
    ...Object.keys(headers).map((name) => `  ! ${name}`),
    ...lines(headers),
  ])
  return `${['/*', ...lines(HEADERS), ...paths].join('\n')}\n`
}

await rm(site, { recursive: true, force: true })
await cp(join(project, 'dist', 'page'), site, { recursive: true })
// A run is watched where its folder is.
await rm(join(site, 'watch.html'))
await copyChosen(webRuntimeFolder(), join(site, 'ort'), isWebRuntimeFile)
await copyChosen(pocket, join(site, 'models', 'pocket'), isModelFile)
const models = await describeModels(new Map([['pocket', pocket]]))
await writeFile(join(site, 'models.json'), `${JSON.stringify(models, null, 2)}\n`)
await writeFile(join(site, '_headers'), headersFile())

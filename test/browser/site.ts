/**
 * The page as people get it: built, and served by `ortune serve` or by a host of static files.
 * @module
 */
import { join } from 'node:path'

import { isWebRuntimeFile, webRuntimeFolder } from '../../src/runtime/web_files.ts'
import { folderRoute } from '../../src/serve/folder.ts'
import { modelRoutes, namedModels } from '../../src/serve/models.ts'
import type { RunningServer } from '../../src/serve/server.ts'
import { openServer } from '../../src/serve/server.ts'
import { serve } from './serve.ts'
import { build } from './tab.ts'

const project = join(import.meta.dirname, '..', '..')

export type Site = Pick<RunningServer, 'url' | 'close'>

/**
 * As `ortune serve` does: isolated, and with its policies.
 *
 * @param model a folder, by default that of the pocket model
 */
export async function servedSite(model = join(project, 'artifacts', 'pocket')): Promise<Site> {
  const models = await namedModels([model])
  const runtime = folderRoute(webRuntimeFolder(), { under: ['ort'], serves: isWebRuntimeFile })
  const page = folderRoute(builtPage(), { index: 'index.html' })
  return openServer([...(await modelRoutes(models)), runtime, page])
}

/** Files and nothing else, as a plain host has them. */
export const plainSite = (): Promise<Site> => serve({ '/': builtPage() }, { isolated: false })

let built: string | undefined

/** The folder that the page is built into, once for all tests. */
const builtPage = (): string => (built ??= build(join(project, 'page')))

/**
 * The built page and ONNX Runtime's own files, which are served from its package: they are large, and the ones that fit.
 * @module
 */
import { join } from 'node:path'

import { UserError } from '../errors.ts'
import { exists } from '../formats/read_file.ts'
import { isWebRuntimeFile, webRuntimeFolder } from '../runtime/web_files.ts'
import { folderRoute } from './folder.ts'
import type { Route } from './server.ts'

/**
 * @param project where ortune lies
 * @param index which of its documents the address without a path is
 * @throws UserError where it has not been built
 */
export async function pageRoutes(project: string, index: 'index.html' | 'watch.html'): Promise<Route[]> {
  const built = join(project, 'dist', 'page')
  if (!(await exists(join(built, index))))
    throw new UserError(`the page has not been built yet; run "npm run build:page" in ${project}`)
  return [
    folderRoute(webRuntimeFolder(), { under: ['ort'], serves: isWebRuntimeFile }),
    folderRoute(built, { index }),
  ]
}

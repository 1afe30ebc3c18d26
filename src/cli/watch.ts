/** @module */
import { Command } from 'commander'

import { project } from './project.ts'
import type { ServingFlags } from './serving.ts'
import { addServingOptions, serveUntilEnded } from './serving.ts'

/** `ortune watch <run>` */
export const watchCommand = (): Command =>
  addServingOptions(
    new Command('watch').argument('<run>', 'folder of a run, a sweep or a curriculum, running or finished'),
  )
    .addHelpText('after', '\nExample:\n  ortune watch runs/dictionary --open')
    .action(async (run: string, flags: ServingFlags) => {
      const { checkWatched, watchRoutes } = await import('../serve/watched.ts')
      const { pageRoutes } = await import('../serve/page.ts')
      await checkWatched(run)
      const routes = [...watchRoutes(run), ...(await pageRoutes(project, 'watch.html'))]
      await serveUntilEnded(routes, flags, run)
    })

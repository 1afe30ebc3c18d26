/** @module */
import { join } from 'node:path'

import { Command } from 'commander'

import { project } from './project.ts'
import type { ServingFlags } from './serving.ts'
import { addServingOptions, serveUntilEnded } from './serving.ts'

interface ServeFlags extends ServingFlags {
  model?: string[]
}

/** `ortune serve` */
export const serveCommand = (): Command =>
  addServingOptions(
    new Command('serve').option(
      '--model <folder>',
      'a model that the page can load, beside the pocket model; may be repeated',
      (folder: string, before: string[] | undefined) => [...(before ?? []), folder],
    ),
  )
    .addHelpText('after', '\nExample:\n  ortune serve --model models/gpt2 --open')
    .action(async ({ model = [], ...flags }: ServeFlags) => {
      const { leftOut, modelRoutes, namedModels } = await import('../serve/models.ts')
      const { pageRoutes } = await import('../serve/page.ts')
      const models = await namedModels([join(project, 'artifacts', 'pocket'), ...model])
      for (const sentence of await leftOut(models)) process.stderr.write(`${sentence}\n`)
      const routes = [...(await modelRoutes(models)), ...(await pageRoutes(project, 'index.html'))]
      await serveUntilEnded(routes, flags, `a page that trains ${[...models.keys()].join(', ')}`)
    })

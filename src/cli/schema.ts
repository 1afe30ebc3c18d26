/** @module */
import { readFile } from 'node:fs/promises'

import { Command } from 'commander'

import { schemaFile } from './project.ts'

/** `ortune schema` */
export const schemaCommand = (): Command =>
  new Command('schema')
    .option('--path', 'print where the schema lies instead')
    .option('--json', 'print one JSON result on standard output: the schema, or its path')
    .addHelpText(
      'after',
      '\nExample:\n  ortune schema > ortune.schema.json\n\n' +
        'An editor with a YAML language server completes and checks the keys of a file that begins with\n' +
        '  # yaml-language-server: $schema=ortune.schema.json\n' +
        'as the files do that "ortune init" writes.',
    )
    .action(async ({ path, json }: { path?: boolean; json?: boolean }) => {
      const printed = path
        ? json
          ? JSON.stringify({ schema: schemaFile })
          : schemaFile
        : (await readFile(schemaFile, 'utf8')).trimEnd()
      process.stdout.write(`${printed}\n`)
    })

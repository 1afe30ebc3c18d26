/**
 * What libraries bring along that no page asks for, left out of what it loads.
 * @module
 */
import type { Plugin } from 'vite'

/** JSON schemas of zod's schemas, which every schema can be asked for: `ortune schema` is of the command line. */
export const withoutJsonSchemas: Plugin = {
  name: 'without JSON schemas',
  apply: 'build',
  transform(code, file) {
    if (!/zod\/v4\/core\/(json-schema-processors|to-json-schema)\.js$/.test(file)) return null
    const names = [...code.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name)
    return names.map((name) => `export const ${name} = () => () => undefined`).join('\n')
  },
}

/**
 * A plugin of Vite that writes the scripts of `reward.html` into it. A document of an opaque origin may load no file of a site whose
 * resources are its own (`Cross-Origin-Resource-Policy: same-origin`), so it has to be whole; its policy names the script by its hash.
 * @module
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Plugin } from 'vite'
import { transformWithOxc } from 'vite'

const SCRIPT = /<script([^>]*?) src="\.\/(reward\/[\w]+\.ts)"><\/script>/g

export const inlinedReward = (root: string): Plugin => ({
  name: 'inlined-reward',
  transformIndexHtml: {
    order: 'pre',
    async handler(html, { filename }) {
      if (!filename.endsWith('/reward.html')) return html
      const hashes: string[] = []
      let whole = html
      for (const [tag, attributes, file] of html.matchAll(SCRIPT)) {
        const code = `\n${await javascript(join(root, file!))}`
        // What is only data is not run.
        if (!attributes!.includes('text/plain'))
          hashes.push(`'sha256-${createHash('sha256').update(code).digest('base64')}'`)
        whole = whole.replace(tag, () => `<script${attributes}>${code}</script>`)
      }
      return whole.replace('HASHES', hashes.join(' '))
    },
  },
})

async function javascript(path: string): Promise<string> {
  const { code } = await transformWithOxc(await readFile(path, 'utf8'), path, { sourcemap: false })
  if (/^import\s/m.test(code) || code.includes('</script'))
    throw new Error(`${path} is written into a document: it can import nothing, and not end a script`)
  // Without imports it is no module any more.
  return code.replace(/^export \{\s*\};?\s*$/m, '')
}

/**
 * The page: `npm run web` serves it while one works on it, `npm run build` writes it into `dist/page`.
 * @module
 */
import { join } from 'node:path'

import { defineConfig } from 'vite'

const root = import.meta.dirname

/** Without these two a tab has no SharedArrayBuffer, and ONNX Runtime one thread. `src/serve/headers.ts` says them too. */
const isolated = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export default defineConfig({
  root,
  // Relative, so that it works in any folder of a static host.
  base: './',
  resolve: { tsconfigPaths: true },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  server: { host: '127.0.0.1', headers: isolated },
  preview: { host: '127.0.0.1', headers: isolated },
  build: {
    outDir: join(root, '..', 'dist', 'page'),
    emptyOutDir: true,
    // What has WebGPU has these.
    target: ['chrome123', 'firefox128', 'safari18'],
    modulePreload: { polyfill: false },
    // The page's policy is script-src 'self': nothing is written into documents or URLs.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { train: join(root, 'index.html'), watch: join(root, 'watch.html') },
    },
  },
})

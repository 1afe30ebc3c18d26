/**
 * The page: `npm run web` serves it while one works on it, `npm run build` writes it into `dist/page`.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'

import type { Plugin } from 'vite'
import { defineConfig } from 'vite'

import { modelRoutes, namedModels } from '../src/serve/models.ts'
import { namesOf } from '../src/serve/request.ts'
import {
  lateFamilies,
  lateJinja,
  lateKinds,
  lateNunjucks,
  lighterTokenizers,
  smallZod,
  withoutJsonSchemas,
  withoutMeanings,
} from './lighter.ts'
import { inlinedReward } from './reward/inlined.ts'

const root = import.meta.dirname

/** Without these two a tab has no SharedArrayBuffer, and ONNX Runtime one thread. `src/serve/headers.ts` says them too. */
const isolated = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/**
 * ONNX Runtime stays out of the build: it is loaded from `ort/`, which a server gives from the package itself (`src/serve/page.ts`) and
 * `npm run build:site` copies. So its script and its WebAssembly fit each other, and nothing is shipped twice.
 */
const withoutRuntime: Plugin = {
  name: 'without ONNX Runtime',
  apply: 'build',
  enforce: 'pre',
  resolveId(name) {
    const [, kind] = /^onnxruntime-web\/(wasm|webgpu)$/.exec(name) ?? []
    // Scripts lie in assets/.
    return kind === undefined ? null : { id: `../ort/ort.${kind}.bundle.min.mjs`, external: 'relative' }
  },
}

/** The picture that `ortune evaluate` draws of an equivalence run, and the library that it is drawn by: no page asks for it. */
const withoutPictures: Plugin = {
  name: 'without pictures of evaluations',
  apply: 'build',
  load: (file) => (file.endsWith('/src/tasks/npt_picture.ts') ? 'export {}' : null),
}

const pocket = join(root, '..', 'artifacts', 'pocket')

/** While one works on the page, it finds the pocket model where `ortune serve` has it. */
const withModels: Plugin = {
  name: 'models of ortune serve',
  async configureServer({ middlewares }) {
    const routes = await modelRoutes(await namedModels([pocket]))
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
      const names = namesOf(request.url ?? '')
      if (names) for (const route of routes) if (await route({ names, request }, response)) return true
      return false
    }
    middlewares.use((request, response, next) => {
      answer(request, response).then((answered) => answered || next(), next)
    })
  },
}

/** What the page and its worker are built without. */
const without = [
  withoutRuntime,
  withoutPictures,
  withoutJsonSchemas,
  smallZod,
  withoutMeanings,
  lateFamilies,
  lateKinds,
  lateNunjucks,
  lateJinja,
  lighterTokenizers,
]

export default defineConfig({
  root,
  // Relative, so that it works in any folder of a static host.
  base: './',
  resolve: { tsconfigPaths: true },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [...without, withModels, inlinedReward(root)],
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: {
    format: 'es',
    plugins: () => without,
    // `src/serve/headers.ts` knows it by this name.
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/worker-[hash].js',
        // What it loads at once in one file, which is smaller, compressed, than what others share apart.
        codeSplitting: { groups: [{ name: 'at_once', tags: ['$initial'] }] },
        // No bundler reads it again.
        comments: { annotation: false },
      },
    },
  },
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
      input: {
        train: join(root, 'index.html'),
        watch: join(root, 'watch.html'),
        reward: join(root, 'reward.html'),
      },
    },
  },
})

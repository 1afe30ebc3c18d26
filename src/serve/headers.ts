/**
 * What a browser is told with every answer. A page may run its own scripts, speak to its own server, and nothing else; and it is
 * isolated from other pages, which ONNX Runtime's threads need.
 * @module
 */

/** Directives of a Content-Security-Policy by their names. */
export type Policy = Readonly<Record<string, string>>

export const policyText = (policy: Policy): string =>
  Object.entries(policy)
    .map(([directive, sources]) => `${directive} ${sources}`.trim())
    .join('; ')

/** No script or style but those in files of this server, no address but its own. */
const PAGE_POLICY: Policy = {
  'default-src': "'none'",
  // What ONNX Runtime compiles is WebAssembly; its threads are workers from its own file.
  'script-src': "'self' 'wasm-unsafe-eval'",
  'worker-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' blob:",
  'connect-src': "'self'",
  'frame-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/** A document in which people's own reward functions run: of no origin, without network. */
const REWARD_POLICY: Policy = {
  sandbox: 'allow-scripts',
  'default-src': "'none'",
  // Its script is written into it, and named by its hash in the document's own policy: of no origin, it may load no file from here.
  'script-src': "'unsafe-inline' blob:",
  'worker-src': 'blob:',
  'frame-ancestors': "'self'",
}

/**
 * The worker in which the page's work is done, apart from its document. nunjucks compiles templates to JavaScript there, where they have
 * more than texts and columns; `src/data/templates/template_check.ts` says what they may use.
 */
const WORKER_POLICY: Policy = {
  'default-src': "'none'",
  'script-src': "'self' 'wasm-unsafe-eval' 'unsafe-eval'",
  'worker-src': "'self'",
  'connect-src': "'self'",
}

/** Said with every answer. */
export const HEADERS: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': policyText(PAGE_POLICY),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** What some paths say instead; `*` stands for any end of one. */
export const HEADERS_OF_PATHS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/reward.html': { 'Content-Security-Policy': policyText(REWARD_POLICY) },
  '/assets/worker-*': { 'Content-Security-Policy': policyText(WORKER_POLICY) },
}

const isOf = (path: string, known: string): boolean =>
  known.endsWith('*') ? path.startsWith(known.slice(0, -1)) : path === known

export const headersOf = (path: string): Readonly<Record<string, string>> => ({
  ...HEADERS,
  ...Object.entries(HEADERS_OF_PATHS).find(([known]) => isOf(path, known))?.[1],
})

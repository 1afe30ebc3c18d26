/**
 * Writes `src/runtime/wasm/optimizer_wasm.ts` from `optimizer.as.ts`: `npx tsx tools/wasm/build.ts`.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { compileOptimizer } from './compile.ts'

const target = new URL('../../src/runtime/wasm/optimizer_wasm.ts', import.meta.url)
const bytes = await compileOptimizer()
await writeFile(
  target,
  `/**
 * The compiled \`optimizer.as.ts\`, ${bytes.length} bytes in base64. Written by \`tools/wasm/build.ts\`; do not edit.
 * @module
 */
export const optimizerWasm =
  '${Buffer.from(bytes).toString('base64')}'
`,
)
console.log(`optimizer_wasm.ts: ${bytes.length} bytes of WebAssembly`)

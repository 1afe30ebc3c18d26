/**
 * Writes `src/runtime/wasm/adamw_wasm.ts` from `adamw.as.ts`: `npx tsx tools/wasm/build.ts`.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { compileAdamW } from './compile.ts'

const target = new URL('../../src/runtime/wasm/adamw_wasm.ts', import.meta.url)
const bytes = await compileAdamW()
await writeFile(
  target,
  `/**
 * The compiled \`adamw.as.ts\`, ${bytes.length} bytes in base64. Written by \`tools/wasm/build.ts\`; do not edit.
 * @module
 */
export const adamwWasm =
  '${Buffer.from(bytes).toString('base64')}'
`,
)
console.log(`adamw_wasm.ts: ${bytes.length} bytes of WebAssembly`)

/**
 * Compiles the AssemblyScript kernels in memory. The result depends on the source and the compiler's version only.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { main as asc } from 'assemblyscript/asc'

const kernels = new URL('../../src/runtime/wasm/adamw.as.ts', import.meta.url)

/** The WebAssembly module of `src/runtime/wasm/adamw.as.ts`, importing its memory as `env.memory`. */
export async function compileAdamW(): Promise<Uint8Array> {
  const source = await readFile(kernels, 'utf8')
  let compiled: Uint8Array | undefined
  const { error } = await asc(
    [
      'adamw.ts',
      ...['--outFile', 'adamw.wasm', '-O3', '--noAssert', '--runtime', 'stub'],
      ...['--enable', 'simd', '--importMemory', '--noExportMemory', '--initialMemory', '0'],
    ],
    {
      readFile: (name) => (name === 'adamw.ts' ? source : null),
      writeFile: (_name, contents) => {
        if (typeof contents !== 'string') compiled = contents
      },
      listFiles: () => [],
    },
  )
  if (error || !compiled) throw new Error(`${fileURLToPath(kernels)}: ${error?.message ?? 'no output'}`)
  return compiled
}

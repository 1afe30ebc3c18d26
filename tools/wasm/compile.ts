/**
 * Compiles the AssemblyScript kernels. The result depends on the source and the compiler's version only.
 * @module
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const kernels = fileURLToPath(new URL('../../src/runtime/wasm/optimizer.as.ts', import.meta.url))
const asc = fileURLToPath(new URL('../../node_modules/assemblyscript/bin/asc.js', import.meta.url))

/** The WebAssembly module of `src/runtime/wasm/optimizer.as.ts`, importing its memory as `env.memory`. */
export async function compileOptimizer(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'ortune-wasm-'))
  try {
    const outFile = join(folder, 'optimizer.wasm')
    const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd']
    const memory = ['--importMemory', '--noExportMemory', '--initialMemory', '0']
    await promisify(execFile)(process.execPath, [asc, kernels, '--outFile', outFile, ...options, ...memory])
    return await readFile(outFile)
  } finally {
    await rm(folder, { recursive: true })
  }
}

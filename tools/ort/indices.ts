/**
 * Writes `src/runtime/ort/indices.ts`: where each function that is used stands in the table of ONNX Runtime's C interface, as a C
 * compiler says. The header comes with releases of ONNX Runtime, and with wrappers of it such as Go's onnxruntime_go.
 *
 *     node --import tsx tools/ort/indices.ts <folder of onnxruntime_c_api.h>
 * @module
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fallible, infallible } from '../../src/runtime/ort/signatures.ts'

const headers = process.argv[2]
if (headers === undefined) throw new Error('name the folder of onnxruntime_c_api.h')

const names = [...Object.keys(infallible), ...Object.keys(fallible)]
const program = `#include <stddef.h>
#include <stdio.h>
#include "onnxruntime_c_api.h"
int main(void) {
  printf("%d\\n", ORT_API_VERSION);
${names.map((name) => `  printf("%zu\\n", offsetof(OrtApi, ${name}) / sizeof(void *));`).join('\n')}
}
`
const folder = mkdtempSync(join(tmpdir(), 'ort-'))
const [source, binary] = [join(folder, 'indices.c'), join(folder, 'indices')]
writeFileSync(source, program)
execFileSync('cc', ['-I', headers, source, '-o', binary])
const [version, ...indices] = execFileSync(binary, { encoding: 'utf8' }).trim().split('\n')

const lines = names.map((name, i) => `  ${name}: ${indices[i]},`)
writeFileSync(
  'src/runtime/ort/indices.ts',
  `/**
 * Written by \`tools/ort/indices.ts\`: where functions stand in the table of ONNX Runtime's C interface. Later versions only append to it.
 * @module
 */

/** ORT_API_VERSION of the header that the indices are of. */
export const API_VERSION = ${version}

export const indices = {
${lines.join('\n')}
} as const
`,
)

/**
 * Opens a run's checkpoints over and over, as somebody who tries the model while it is trained: `node --import tsx reader.ts <run>`.
 * Prints a line for each checkpoint that was there before and cannot be opened, and at the end of its input how often it looked.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readTensors } from '../../src/formats/safetensors.ts'
import { exists } from '../../src/formats/read_file.ts'
import { findModel } from '../../src/models/find_model.ts'

const run = process.argv[2]!
const seen = new Set<string>()
let looks = 0
let ending = false
process.stdin.on('end', () => (ending = true)).resume()

while (!ending) {
  for (const name of ['best', 'last'] as const) {
    const folder = join(run, 'checkpoints', name)
    if (!seen.has(name)) {
      if (!(await exists(folder))) continue
      seen.add(name)
    }
    try {
      const { adapter, base } = await findModel(run, { checkpoint: name })
      const weights =
        adapter === undefined ? join(base, 'model.safetensors') : join(adapter, 'adapter_model.safetensors')
      await readTensors(weights)
      JSON.parse(await readFile(join(folder, 'trainer_state.json'), 'utf8'))
      looks++
    } catch (error) {
      process.stdout.write(`fault: ${name}: ${String(error)}\n`)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 5))
}
process.stdout.write(`looks: ${looks}\n`)

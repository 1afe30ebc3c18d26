/**
 * The beginning of a run; `run.ts` shows its folder and goes on from there.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { PrepareReport } from '../data/prepare.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import type { Manifest } from '../formats/manifest.ts'
import { checkOut, fillArtifacts } from './export.ts'
import { adamwConfig } from './options.ts'
import { prepareData } from './prepare_data.ts'
import type { RunConfig } from './run_config.ts'

/** Exports the artifacts and prepares the data of a new run: its whole folder, or nothing. */
export async function createRun(config: RunConfig, onRows?: (rows: number) => void): Promise<PrepareReport> {
  const out = config.output_dir
  await checkOut(out)
  let report: PrepareReport | undefined
  await writeFolderAtomic(out, async (folder) => {
    const manifest = await fillArtifacts(folder, {
      model: config.model,
      lora: config.lora === 'full' ? null : config.lora,
      seed: config.seed,
      optimizer: adamwConfig(config),
    })
    report = await prepareData(config, folder, join(folder, 'data'), onRows)
    const withData: Manifest = { ...manifest, data: { fingerprint: report.fingerprint } }
    await writeFile(join(folder, 'ortune.json'), `${JSON.stringify(withData, null, 2)}\n`)
    await writeFile(join(folder, 'training.json'), `${JSON.stringify(config, null, 2)}\n`)
  })
  return report!
}

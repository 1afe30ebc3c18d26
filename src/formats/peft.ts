/**
 * Folders of adapters in PEFT's format; see `peft_files.ts`.
 * @module
 */
import { join } from 'node:path'

import { writeFileAtomic, writeFolderAtomic } from './atomic.ts'
import { diskFiles } from './disk_files.ts'
import type { PeftAdapter } from './peft_files.ts'
import { ADAPTER_CONFIG, ADAPTER_MODEL, peftFiles, readPeftFiles } from './peft_files.ts'
import { writeSafetensors } from './safetensors.ts'

export type { PeftAdapter }

/** Writes an adapter's folder, in place of whatever was there, atomically. */
export async function writePeftAdapter(folder: string, adapter: PeftAdapter): Promise<void> {
  await writeFolderAtomic(folder, (temporary) => fillPeftAdapter(temporary, adapter))
}

/** Writes an adapter's two files into a folder that exists, beside what else lies there. */
export async function fillPeftAdapter(folder: string, adapter: PeftAdapter): Promise<void> {
  const { config, tensors } = peftFiles(adapter)
  await writeSafetensors(join(folder, ADAPTER_MODEL), tensors)
  await writeFileAtomic(join(folder, ADAPTER_CONFIG), config)
}

/** Reads the adapter in a folder; see {@link readPeftFiles}. */
export const readPeftAdapter = (folder: string): Promise<PeftAdapter> => readPeftFiles(diskFiles(folder))

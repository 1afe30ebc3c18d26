/** @module */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { fileAt } from './disk_file.ts'
import type { Files } from './files.ts'
import { readJson, readText, unreadable } from './read_file.ts'
import { readEntries, readSafetensorsHeader } from './safetensors.ts'

/** The files of a folder of the disk. */
export const diskFiles = (folder: string): Files => ({
  where: folder,
  names: () =>
    readdir(folder).catch((error: unknown) => {
      throw unreadable(folder, error)
    }),
  path: (name) => join(folder, name),
  file: (name) => fileAt(join(folder, name)),
  text: (name, most) => readText(join(folder, name), most),
  json: (name, most) => readJson(join(folder, name), most),
  header: (name) => readSafetensorsHeader(join(folder, name)),
  tensors: (name, entries) => readEntries(join(folder, name), entries),
})

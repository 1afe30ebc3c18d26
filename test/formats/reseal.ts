/** @module */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { sealState, withoutSeal } from '../../src/formats/checkpoint_seal.ts'
import { sealFiles } from '../../src/formats/sealed.ts'

/** Makes a folder's manifest say that its files are as they should be, whatever a test has done to them. */
export async function reseal(folder: string): Promise<void> {
  const path = join(folder, 'ortune.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as object
  const { 'ortune.json': own, 'training.json': options, ...files } = await sealFiles(folder)
  if (own === undefined || options === undefined) throw new Error(`${folder} is no run`)
  writeFileSync(path, JSON.stringify({ ...manifest, files }))
}

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>

/** Makes a checkpoint of a run say that its state and files are as they should be; where it has no state, it gets one. */
export async function resealCheckpoint(folder: string, changes: object = {}): Promise<void> {
  const path = join(folder, 'trainer_state.json')
  const state = { ...withoutSeal(existsSync(path) ? read(path) : {}), ...changes }
  const { identity } = read(join(folder, '../../ortune.json'))
  writeFileSync(path, JSON.stringify(await sealState(folder, state, identity as string | undefined)))
}

/** Makes a run, and what it has of checkpoints, one of before there was an identity. */
export function unseal(run: string): void {
  const manifest = join(run, 'ortune.json')
  writeFileSync(manifest, JSON.stringify({ ...read(manifest), identity: undefined }))
  for (const path of ['last', 'best'].map((name) => join(run, 'checkpoints', name, 'trainer_state.json')))
    if (existsSync(path)) writeFileSync(path, JSON.stringify(withoutSeal(read(path))))
}

/**
 * Whether a checkpoint is what training saved: its `trainer_state.json` holds the digests of the files beside it, the identity of its
 * run, and a digest of all this. A bit that the disk has turned is a finite number most of the time, and what is trained from it, or
 * written by it, goes wrong without a word.
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { z } from 'zod'

import { UserError } from '../errors.ts'
import { without } from '../without.ts'
import { beside } from './disk.ts'
import { readManifest } from './manifest.ts'
import { exists, readJson } from './read_file.ts'
import type { Digests } from './sealed.ts'
import { digestOf, digestOfJson, isComparedAs } from './sealed.ts'

export const STATE_FILE = 'trainer_state.json'

const ADAPTER_CONFIG = 'adapter_config.json'

/** What training goes on with, and a reader has no use for. */
const OF_TRAINING: readonly string[] = ['optimizer.safetensors', 'value_head.safetensors']

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** What of {@link STATE_FILE} is not the trainer's state. */
const sealSchema = z.looseObject({
  /** SHA-256 of the files beside it; checkpoints of before have none, or have those of tensors alone. */
  files: z.record(z.string().regex(/^\w[\w.-]*$/), sha256).optional(),
  /** The identity that the run's manifest has. */
  run: sha256.optional(),
  /** Of all other keys, as {@link digestOfJson} has it. */
  sha256: sha256.optional(),
})

type Sealed = z.infer<typeof sealSchema>

/** The state of a checkpoint whose other files have been written into a folder, with its seal. */
export async function sealState(folder: string, state: object, run: string | undefined): Promise<object> {
  const names = (await readdir(folder)).filter(
    (name) => !/^\.|^README\.md$/.test(name) && name !== STATE_FILE,
  )
  const files: Record<string, string> = {}
  for (const name of names.sort()) files[name] = await digestIn(folder, name)
  const sealed = { ...state, files, ...(run === undefined ? {} : { run }) }
  return { ...sealed, sha256: digestOfJson(sealed) }
}

/** The trainer's state without the seal. */
export const withoutSeal = (state: object): Record<string, unknown> =>
  without(state, ['files', 'run', 'sha256'])

/** Where the base model lies is left out of an adapter's configuration: it may be moved. */
async function digestIn(folder: string, name: string): Promise<string> {
  const path = join(folder, name)
  if (name !== ADAPTER_CONFIG) return digestOf(path)
  const config = z.looseObject({}).parse(await readJson(path))
  return digestOfJson(without(config, ['base_model_name_or_path']))
}

/** The run that a checkpoint lies in, where it lies in one. */
async function runAround(checkpoint: string): Promise<string | undefined> {
  const run = resolve(checkpoint, '..', '..')
  return (await exists(join(run, 'ortune.json'))) ? run : undefined
}

/**
 * Compares a checkpoint with what training saved, as far as its state tells: those of before do not.
 *
 * @param part what is used of it
 * @param remedy completes "put it back from a copy"
 * @throws UserError naming the file that is damaged or missing, or where the checkpoint is another run's
 */
export async function checkCheckpoint(
  folder: string,
  part: 'model' | 'training',
  remedy: string,
): Promise<Sealed> {
  const run = await runAround(folder)
  const identity = run === undefined ? undefined : (await readManifest(run)).identity
  let seen = ''
  // A checkpoint may be replaced meanwhile, file by file: then its state, or the one that is about to take its place, is another.
  for (;;) {
    const coming = await readJson(join(beside(folder, 'ready'), STATE_FILE)).catch(() => undefined)
    // Outside a run it may be another tool's, such as the Trainer's, whose numbers may be NaN.
    const state = await readState(folder, remedy).catch((error: unknown) => {
      if (run === undefined && part === 'model') return {}
      throw error
    })
    const states = [state, sealSchema.safeParse(coming).data ?? {}]
    try {
      checkState(folder, state, run, identity, remedy)
      await checkDigests(folder, states, run, part, remedy)
      return state
    } catch (error) {
      if (seen === JSON.stringify(states)) throw error
      seen = JSON.stringify(states)
    }
  }
}

/** @throws UserError where it is missing beside tensors, or no JSON object: training wrote both together */
async function readState(folder: string, remedy: string): Promise<Sealed> {
  const path = join(folder, STATE_FILE)
  if (!(await exists(path))) throw new UserError(`${path} is missing; put it back from a copy${remedy}`)
  const state = z.looseObject({}).safeParse(await readJson(path).catch(() => undefined))
  if (!state.success)
    throw new UserError(`${path} is damaged, as it is no JSON object; put it back from a copy${remedy}`)
  const sealed = sealSchema.safeParse(state.data)
  if (sealed.success) return sealed.data
  throw new UserError(
    `${path} is damaged, as its ${String(sealed.error.issues[0]!.path[0])} are no digests; put it back from a copy${remedy}`,
  )
}

function checkState(
  folder: string,
  state: Sealed,
  run: string | undefined,
  identity: string | undefined,
  remedy: string,
): void {
  const path = join(folder, STATE_FILE)
  const { sha256: digest, ...rest } = state
  const isSealed = digest !== undefined || state.run !== undefined || identity !== undefined
  if (isSealed && (digest !== digestOfJson(rest) || state.files === undefined))
    throw new UserError(
      `${path} is damaged, as it is not what training saved (its digests do not fit); put it back from a copy${remedy}`,
    )
  if (run !== undefined && state.run !== identity)
    throw new UserError(
      `${folder} is not a checkpoint of ${run}, but of a run with other options or other data; put the run's own back from a copy${remedy}`,
    )
}

/** A file is sound where one of the states has its digest. */
async function checkDigests(
  folder: string,
  states: readonly Sealed[],
  run: string | undefined,
  part: 'model' | 'training',
  remedy: string,
): Promise<void> {
  const names = Object.keys(states[0]?.files ?? {})
  for (const name of names.filter((one) => part === 'training' || !OF_TRAINING.includes(one))) {
    const path = join(folder, name)
    if (!(await exists(path))) throw new UserError(`${path} is missing; put it back from a copy${remedy}`)
    const digests = states.flatMap(({ files = {} }: { files?: Digests | undefined }) => files[name] ?? [])
    const digest = () => digestIn(folder, name).catch(() => 'no digest')
    const isSound =
      run === undefined
        ? digests.includes(await digest())
        : await isComparedAs(run, relative(run, resolve(path)).replaceAll(sep, '/'), digests, digest)
    if (!isSound)
      throw new UserError(
        `${path} is damaged, as it is not what training saved (whose SHA-256 is ${digests[0]}); put it back from a copy${remedy}`,
      )
  }
}

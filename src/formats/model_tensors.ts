/**
 * Finding a model's parameters in its weight files, whichever of the customary namings it uses.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import { formatOf } from './families/family.ts'
import type { Files } from './files.ts'
import type { StoredTensor, WeightFiles } from './weight_files.ts'
import { readStoredOf } from './weight_files.ts'

/**
 * Where each parameter of the model lies: transformers' name to entry, in the order of `shapes`. Tensors outside the
 * model's blocks that it has no use for (heads of other tasks) are left alone.
 * @param shapes The parameters wanted.
 * @param optional Those that may be missing, and are then left out.
 * @throws UserError for a parameter that is missing or has another shape than the configuration says, or for a block
 * tensor that the configuration knows nothing of.
 */
export function findTensors(
  { tensors, where }: WeightFiles,
  config: ModelConfig,
  shapes: ParameterShapes,
  optional?: RegExp,
): Map<string, StoredTensor> {
  const { naming } = formatOf(config)
  const { blocks, unused } = naming
  const present = new Map<string, StoredTensor>()
  for (const [name, entry] of tensors) present.set(naming.canonical(name), entry)

  const found = new Map<string, StoredTensor>()
  for (const [name, shape] of shapes) {
    const entry = present.get(name)
    if (!entry && optional?.test(name)) continue
    if (!entry)
      throw new UserError(
        `${where} has no tensor ${name}, which its config.json asks for; are they of one model?`,
      )
    if (entry.shape.join() !== shape.join())
      throw new UserError(
        `${where}: tensor ${name} has shape [${entry.shape.join(', ')}] but config.json says ` +
          `[${shape.join(', ')}]; are they of one model?`,
      )
    found.set(name, entry)
  }
  for (const name of present.keys())
    if (name.startsWith(blocks) && !shapes.has(name) && !unused?.test(name))
      throw new UserError(
        `${where} has a tensor ${name}, of which its config.json knows nothing; are they of one model?`,
      )
  return found
}

/**
 * Whether a tensor that is tied to another one is equal to it, where a file has both: tools part in which of them counts.
 * @throws UserError where they differ
 */
export async function checkTied(
  files: Files,
  { tensors, where }: WeightFiles,
  config: ModelConfig,
): Promise<void> {
  const format = formatOf(config)
  const pair = format.tied(config)
  if (!pair) return
  const [tensor, other] = [pair.tensor, pair.to].map(
    (name) => [...tensors].find(([given]) => format.naming.canonical(given) === name)?.[1],
  )
  if (!tensor || !other || (await equalStored(files, tensor, other))) return
  throw new UserError(
    `${where} has a ${pair.tensor} other than ${pair.to}, to which its config.json ties it; set tie_word_embeddings to false there if it is the model's own head, or take the tensor out`,
  )
}

/** Numbers that are compared at a time. */
const STRETCH = 2 ** 20

/** Compares two tensors stretch by stretch. */
async function equalStored(files: Files, a: StoredTensor, b: StoredTensor): Promise<boolean> {
  if (a.shape.join() !== b.shape.join() || a.dtype !== b.dtype) return false
  const size = sizeOf(a.shape)
  const width = a.length / Math.max(1, size)
  for (let from = 0; from < size; from += STRETCH) {
    const count = Math.min(STRETCH, size - from)
    const stretch = (tensor: StoredTensor): StoredTensor => ({
      ...tensor,
      shape: [count],
      offset: tensor.offset + from * width,
      length: count * width,
    })
    const read = await readStoredOf(files, new Map([['a', stretch(a)] as const, ['b', stretch(b)] as const]))
    const [left, right] = [read.get('a')!.data, read.get('b')!.data]
    if (left.some((value, i) => value !== right[i])) return false
  }
  return true
}

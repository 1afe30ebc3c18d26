/**
 * Finding a model's parameters in its weight files, whichever of the customary namings it uses.
 * @module
 */
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import { formatOf } from './families/family.ts'
import type { StoredTensor, WeightFiles } from './weight_files.ts'

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

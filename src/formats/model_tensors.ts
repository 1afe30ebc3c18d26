/**
 * Finding GPT-2's parameters in a safetensors file, whichever of the two customary namings it uses: `GPT2LMHeadModel`
 * writes `transformer.h.0.ln_1.weight`, the checkpoints first published (and `GPT2Model`) have `h.0.ln_1.weight`.
 * @module
 */
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import type { SafetensorsHeader, TensorEntry } from './safetensors_header.ts'

const prefix = 'transformer.'

/** The causal mask, which older files carry along and nobody needs. */
const maskBuffer = /^transformer\.h\.\d+\.attn\.(bias|masked_bias)$/

/**
 * Where each parameter of the model lies: transformers' name to entry, in the order of `shapes`. Tensors outside the
 * transformer's blocks that the model has no use for (heads of other tasks) are left alone.
 * @param where What errors call the file.
 * @param shapes The parameters wanted, by default those of the language model.
 * @throws UserError for a parameter that is missing or has another shape than the configuration says, or for a block
 * tensor that the configuration knows nothing of.
 */
export function findGpt2Tensors(
  header: SafetensorsHeader,
  config: Gpt2Config,
  where: string,
  shapes: ParameterShapes = gpt2ParameterShapes(config),
): Map<string, TensorEntry> {
  const present = new Map<string, TensorEntry>()
  for (const [name, entry] of header.tensors) present.set(canonicalName(name), entry)

  const found = new Map<string, TensorEntry>()
  for (const [name, shape] of shapes) {
    const entry = present.get(name)
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
    if (name.startsWith(`${prefix}h.`) && !shapes.has(name) && !maskBuffer.test(name))
      throw new UserError(
        `${where} has a tensor ${name}, of which its config.json knows nothing; are they of one model?`,
      )
  return found
}

function canonicalName(name: string): string {
  return /^(wte|wpe|h|ln_f)\./.test(name) ? prefix + name : name
}

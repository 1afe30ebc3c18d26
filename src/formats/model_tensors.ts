/**
 * Finding a model's parameters in a safetensors file, whichever of the customary namings it uses. `GPT2LMHeadModel` writes
 * `transformer.h.0.ln_1.weight`, the checkpoints first published (and `GPT2Model`) have `h.0.ln_1.weight`;
 * `BertForSequenceClassification` writes `bert.embeddings.LayerNorm.weight`, `BertModel` the same without `bert.`, and the
 * checkpoints first published have `gamma` and `beta` in layer norms.
 * @module
 */
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { isBert } from '../../graphs/models/encoder.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import type { SafetensorsHeader, TensorEntry } from './safetensors_header.ts'

/** How a kind of model names its tensors. */
interface Naming {
  readonly canonical: (name: string) => string
  /** What the names of tensors within blocks begin with. */
  readonly blocks: string
  /** Tensors of blocks that nobody needs. */
  readonly unused?: RegExp
}

const gpt2: Naming = {
  canonical: (name) => (/^(wte|wpe|h|ln_f)\./.test(name) ? `transformer.${name}` : name),
  blocks: 'transformer.h.',
  // The causal mask, which older files carry along.
  unused: /^transformer\.h\.\d+\.attn\.(bias|masked_bias)$/,
}

const bert: Naming = {
  canonical: (name) =>
    (/^(embeddings|encoder|pooler)\./.test(name) ? `bert.${name}` : name)
      .replace(/\.LayerNorm\.gamma$/, '.LayerNorm.weight')
      .replace(/\.LayerNorm\.beta$/, '.LayerNorm.bias'),
  blocks: 'bert.encoder.',
}

/**
 * Where each parameter of the model lies: transformers' name to entry, in the order of `shapes`. Tensors outside the
 * model's blocks that it has no use for (heads of other tasks) are left alone.
 * @param where What errors call the file.
 * @param shapes The parameters wanted.
 * @throws UserError for a parameter that is missing or has another shape than the configuration says, or for a block
 * tensor that the configuration knows nothing of.
 */
export function findTensors(
  header: SafetensorsHeader,
  config: EncoderConfig,
  where: string,
  shapes: ParameterShapes,
): Map<string, TensorEntry> {
  const { canonical, blocks, unused } = isBert(config) ? bert : gpt2
  const present = new Map<string, TensorEntry>()
  for (const [name, entry] of header.tensors) present.set(canonical(name), entry)

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
    if (name.startsWith(blocks) && !shapes.has(name) && !unused?.test(name))
      throw new UserError(
        `${where} has a tensor ${name}, of which its config.json knows nothing; are they of one model?`,
      )
  return found
}

/**
 * Folding a LoRA adapter into the weights it was trained on (Hu et al. 2021, §4.1).
 * @module
 */
import { adapterScale } from '../../graphs/models/lora_config.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { savedModule } from '../../graphs/models/saved_modules.ts'
import { formatOf } from '../formats/families/family.ts'
import { UserError } from '../errors.ts'
import type { PeftAdapter } from '../formats/peft_files.ts'
import { adaptedModules, adapterLayout } from '../formats/peft_files.ts'
import type { FloatTensor } from '../formats/float_tensor.ts'

/**
 * The model's weights with the adapter added: W + scale·(B·A)ᵀ, W being stored [in, out] as GPT-2's Conv1D has it, or
 * W + scale·B·A where it is [out, in], as PyTorch's Linear. Tensors that the adapter does not touch are shared with `weights`, which is not changed.
 *
 * @throws UserError where the adapter does not fit the model.
 */
export function mergeAdapter(
  weights: ReadonlyMap<string, FloatTensor>,
  adapter: Pick<PeftAdapter, 'r' | 'lora_alpha' | 'use_rslora' | 'tensors'>,
): Map<string, FloatTensor> {
  const merged = new Map(weights)
  const layout = adapterLayout(adapter)
  for (const module of adaptedModules(adapter)) {
    const name = `${module}.weight`
    const weight = weights.get(name)
    const a = adapter.tensors.get(`${module}.lora_A.weight`)!
    const b = adapter.tensors.get(`${module}.lora_B.weight`)!
    const [rows, columns] = layout === 'in_out' ? [transposed(a), transposed(b)] : [b, a]
    const shape = [rows.shape[0]!, columns.shape[1]!]
    if (weight?.shape.join() !== shape.join())
      throw new UserError(
        `the adapter has a ${module} of [${shape.join(', ')}], the model ` +
          `${weight ? `one of [${weight.shape.join(', ')}]` : 'none'}; was it trained on another model?`,
      )
    const scale = adapterScale(adapter)
    merged.set(name, { shape: weight.shape, data: addProduct(weight, rows, columns, scale) })
  }
  for (const [name, tensor] of adapter.tensors) {
    const module = savedModule(name)
    if (module !== undefined) merged.set(`${module}.weight`, tensor)
  }
  return merged
}

/**
 * A language model that an adapter has been merged into: where an embedding or its tied head was trained whole, the head has a weight
 * of its own from then on.
 *
 * @param weights of before
 */
export function untied<C extends ModelConfig>(
  config: C,
  weights: ReadonlyMap<string, FloatTensor>,
  merged: ReadonlyMap<string, FloatTensor>,
): { readonly config: C; readonly tensors: ReadonlyMap<string, FloatTensor> } {
  const tie = formatOf(config).tied(config)
  if (!tie || (merged.get(tie.to) === weights.get(tie.to) && !merged.has(tie.tensor)))
    return { config, tensors: merged }
  const head = merged.get(tie.tensor) ?? weights.get(tie.to)!
  return {
    config: { ...config, tie_word_embeddings: false },
    tensors: new Map([...merged, [tie.tensor, head]]),
  }
}

/** W + scale·L·R, summed in double precision and rounded once: W [n, m], L [n, rank], R [rank, m]. */
function addProduct(weight: FloatTensor, left: FloatTensor, right: FloatTensor, scale: number): Float32Array {
  const [n, m] = weight.shape as [number, number]
  const rank = left.shape[1]!
  const sum = new Float32Array(weight.data.length)
  const row = new Float64Array(m)
  for (let i = 0; i < n; i++) {
    row.set(weight.data.subarray(i * m, (i + 1) * m))
    for (let r = 0; r < rank; r++) {
      const factor = scale * left.data[i * rank + r]!
      const start = r * m
      for (let j = 0; j < m; j++) row[j]! += factor * right.data[start + j]!
    }
    sum.set(row, i * m)
  }
  return sum
}

function transposed({ shape, data }: FloatTensor): FloatTensor {
  const [n, m] = shape as [number, number]
  const turned = new Float32Array(data.length)
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) turned[j * n + i] = data[i * m + j]!
  return { shape: [m, n], data: turned }
}

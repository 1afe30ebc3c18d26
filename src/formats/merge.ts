/**
 * Folding a LoRA adapter into the weights it was trained on (Hu et al. 2021, §4.1).
 * @module
 */
import { UserError } from '../errors.ts'
import type { PeftAdapter } from './peft.ts'
import { adaptedModules } from './peft.ts'
import type { FloatTensor } from './safetensors.ts'

/**
 * The model's weights with the adapter added: W + (lora_alpha / r)·(B·A)ᵀ, W being stored [in, out] as GPT-2's Conv1D has
 * it. Tensors that the adapter does not touch are shared with `weights`, which is not changed.
 * @throws UserError where the adapter does not fit the model.
 */
export function mergeAdapter(
  weights: ReadonlyMap<string, FloatTensor>,
  adapter: Pick<PeftAdapter, 'r' | 'lora_alpha' | 'tensors'>,
): Map<string, FloatTensor> {
  const merged = new Map(weights)
  for (const module of adaptedModules(adapter)) {
    const name = `${module}.weight`
    const weight = weights.get(name)
    const a = adapter.tensors.get(`${module}.lora_A.weight`)!
    const b = adapter.tensors.get(`${module}.lora_B.weight`)!
    if (!weight || weight.shape[0] !== a.shape[1] || weight.shape[1] !== b.shape[0])
      throw new UserError(
        `the adapter has a ${module} of [${a.shape[1]}, ${b.shape[0]}], the model ` +
          `${weight ? `one of [${weight.shape.join(', ')}]` : 'none'}; was it trained on another model?`,
      )
    merged.set(name, { shape: weight.shape, data: mergeWeight(weight, a, b, adapter.lora_alpha / adapter.r) })
  }
  return merged
}

/** W[i, o] + scale·Σᵣ A[r, i]·B[o, r], summed in double precision and rounded once. */
function mergeWeight(weight: FloatTensor, a: FloatTensor, b: FloatTensor, scale: number): Float32Array {
  const [inputs, outputs] = weight.shape as [number, number]
  const rank = a.shape[0]!
  const merged = new Float32Array(weight.data.length)
  const row = new Float64Array(outputs)
  const transposedB = new Float64Array(rank * outputs)
  for (let o = 0; o < outputs; o++)
    for (let r = 0; r < rank; r++) transposedB[r * outputs + o] = b.data[o * rank + r]!
  for (let i = 0; i < inputs; i++) {
    row.set(weight.data.subarray(i * outputs, (i + 1) * outputs))
    for (let r = 0; r < rank; r++) {
      const factor = scale * a.data[r * inputs + i]!
      const start = r * outputs
      for (let o = 0; o < outputs; o++) row[o]! += factor * transposedB[start + o]!
    }
    merged.set(row, i * outputs)
  }
  return merged
}

/**
 * The families of models but GPT-2, which the pocket model is of, where one of them is met. The build gives it to `graphs/models/family.ts`
 * and `src/formats/families/family.ts` in place of what brings them at once (`page/lighter.ts`).
 * @module
 */
import type { bertFamily as BertFamily } from '../../graphs/models/bert.ts'
import type { llamaFamilies as LlamaFamilies } from '../../graphs/models/llama.ts'
import type { bertFormat as BertFormat } from '../../src/formats/families/bert.ts'
import type { llamaFormats as LlamaFormats } from '../../src/formats/families/llama.ts'

interface Others {
  readonly bertFamily: typeof BertFamily
  readonly bertFormat: typeof BertFormat
  readonly llamaFamilies: typeof LlamaFamilies
  readonly llamaFormats: typeof LlamaFormats
}

let others: Others | undefined

/** Says that a model of another family was met; {@link withFamilies} takes it. */
class NeedsFamilies extends Error {}

/** An object that is there when it has been loaded. */
const late = <T extends object>(of: (others: Others) => T): T =>
  new Proxy({} as T, {
    get(_, key) {
      if (!others) throw new NeedsFamilies(`a model of another family is asked for its ${String(key)}`)
      return Reflect.get(of(others), key) as unknown
    },
  })

/** The types of models of the family of Llama. */
const types: Readonly<Record<keyof typeof LlamaFamilies, null>> = {
  ...{ llama: null, mistral: null, qwen2: null, qwen3: null },
  ...{ smollm3: null, gemma3_text: null },
}
const byType = <T extends object>(of: (others: Others) => Readonly<Record<keyof typeof types, T>>) =>
  Object.fromEntries(
    (Object.keys(types) as (keyof typeof types)[]).map((type) => [type, late((others) => of(others)[type])]),
  )

export const bertFamily = late((others) => others.bertFamily)
export const bertFormat = late((others) => others.bertFormat)
export const llamaFamilies = byType((others) => others.llamaFamilies)
export const llamaFormats = byType((others) => others.llamaFormats)

/** Acts, and anew with every family where one was met that had not been loaded. What fails must leave nothing behind. */
export async function withFamilies<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof NeedsFamilies)) throw error
    const { bertFamily } = await import('../../graphs/models/bert.ts')
    const { llamaFamilies } = await import('../../graphs/models/llama.ts')
    const { bertFormat } = await import('../../src/formats/families/bert.ts')
    const { llamaFormats } = await import('../../src/formats/families/llama.ts')
    others = { bertFamily, bertFormat, llamaFamilies, llamaFormats }
    return act()
  }
}

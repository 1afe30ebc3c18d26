/**
 * The kinds of data but texts, loaded for the tasks that learn from them. The build gives them to `src/data/kinds/index.ts` in place of
 * what brings all at once (`page/lighter.ts`).
 * @module
 */
import type { DataKindName } from '../../src/web.ts'
import type { kinds } from '../../src/data/kinds/index.ts'

type Kinds = typeof kinds
type Late = Exclude<DataKindName, 'sft'>

const loaded: { [K in Late]?: Kinds[K] } = {}

/** A kind that is there when it has been loaded. */
const late = <K extends Late>(kind: K): Kinds[K] =>
  new Proxy({} as Kinds[K], {
    get(_, key) {
      const found = loaded[kind]
      if (!found)
        throw new Error(`the kind of data ${kind} is asked for its ${String(key)} before it was loaded`)
      return Reflect.get(found, key) as unknown
    },
  })

export const classification = late('classification')
export const preference = late('preference')
export const unpaired = late('unpaired')
export const prompt = late('prompt')

const loaders: Readonly<Record<DataKindName, () => Promise<unknown>>> = {
  sft: () => Promise.resolve(),
  classification: async () =>
    (loaded.classification = (await import('../../src/data/kinds/classification.ts')).classification),
  preference: async () =>
    (loaded.preference = (await import('../../src/data/kinds/preference.ts')).preference),
  unpaired: async () => (loaded.unpaired = (await import('../../src/data/kinds/unpaired.ts')).unpaired),
  prompt: async () => (loaded.prompt = (await import('../../src/data/kinds/prompt.ts')).prompt),
}

/** Loads a kind, before anything is asked of it. */
export async function loadKind(kind: DataKindName): Promise<void> {
  await loaders[kind]()
}

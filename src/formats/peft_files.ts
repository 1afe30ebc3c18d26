/**
 * LoRA adapters in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`. Its keys are
 * `base_model.model.<module>.lora_A.weight` [rank, in] and `….lora_B.weight` [out, rank].
 * @module
 */
import type { WeightLayout } from '../../graphs/layers/linear.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { targetMatches } from '../../graphs/models/lora_config.ts'
import { savedModule, savedName } from '../../graphs/models/saved_modules.ts'
import type { FamilyName } from '../../graphs/models/family.ts'
import { families } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { without } from '../without.ts'
import { allFormats, familyFormats } from './families/family.ts'
import type { Files } from './files.ts'
import { checkFinite } from './finite.ts'
import type { FloatTensor } from './float_tensor.ts'
import { parsePeftConfig, peftConfig } from './peft_config.ts'

/** A LoRA adapter. */
export interface PeftAdapter extends LoraConfig {
  /** Name or path of the model it was trained on. */
  readonly baseModel: string | null
  /**
   * `transformer.h.0.attn.c_attn.lora_A.weight` [rank, in] and `….lora_B.weight` [out, rank], for every module, and
   * `<module>.modules_to_save.weight` of those that are trained whole.
   */
  readonly tensors: ReadonlyMap<string, FloatTensor>
  /** Of a classifier: the tensors of its head, which PEFT keeps whole beside the adapter (`modules_to_save`). */
  readonly head?: ReadonlyMap<string, FloatTensor>
}

/** An adapter's options, without its tensors and where they come from. */
export const loraOf = (adapter: Omit<PeftAdapter, 'baseModel'>): LoraConfig =>
  without(adapter, ['baseModel', 'tensors', 'head']) as unknown as LoraConfig

const keyPrefix = 'base_model.model.'

/** The files of an adapter, by their names. */
export const ADAPTER_CONFIG = 'adapter_config.json'
export const ADAPTER_MODEL = 'adapter_model.safetensors'

/** What an adapter's two files hold: the text of its configuration, and its tensors under PEFT's keys. */
export function peftFiles(adapter: PeftAdapter): {
  readonly config: string
  readonly tensors: ReadonlyMap<string, FloatTensor>
} {
  const { tensors: pairs, head } = adapter
  const module = head ? [...head.keys()][0]!.split('.')[0]! : null
  const config = peftConfig(adapter, adapter.baseModel, adapterLayout(adapter), module)
  const named = [...(head ?? []), ...pairs].map(([name, tensor]) => [fileName(name), tensor] as const)
  return {
    config: `${JSON.stringify(config, null, 2)}\n`,
    tensors: new Map(named.map(([name, tensor]) => [keyPrefix + name, tensor])),
  }
}

/**
 * Reads an adapter. Where its configuration selects modules by a regular expression, `target_modules` lists them all.
 * @throws UserError where a file is missing or broken, for a feature of PEFT beyond plain LoRA, and for tensors that do
 * not make up the adapter described.
 */
export async function readPeftFiles(files: Files): Promise<PeftAdapter> {
  const configPath = files.path(ADAPTER_CONFIG)
  const { target_modules, hasHead, ...settings } = parsePeftConfig(
    await files.json(ADAPTER_CONFIG),
    configPath,
  )
  const path = files.path(ADAPTER_MODEL)
  const tensors = new Map<string, FloatTensor>()
  const { tensors: entries } = await files.header(ADAPTER_MODEL)
  const stored = await files.tensors(ADAPTER_MODEL, entries)
  for (const [name, { data }] of stored) checkFinite(path, name, data)
  const head = hasHead ? headOf(stored) : undefined
  if (hasHead && !head)
    throw new UserError(
      `${path} lacks the head (${heads()
        .map((head) => head.join(', '))
        .join(', or ')}), which ${configPath} promises; save it again`,
    )
  for (const [key, tensor] of stored) {
    const name = adapterName(key) ?? savedIn(key, settings.modules_to_save)
    if (name !== undefined) tensors.set(name, tensor)
    else if (!head?.has(key.slice(keyPrefix.length)))
      throw new UserError(
        `${path}: tensor ${key} is not LoRA on a linear layer of a block, which is all that is supported`,
      )
  }
  if (tensors.size === 0) throw new UserError(`${path} holds no tensors; save the trained adapter again`)
  checkSaved(tensors, settings.modules_to_save, path, configPath)
  const modules = checkPairs(tensors, settings.r, path)

  const known = { ...settings, tensors, ...(head ? { head } : {}) }
  if (typeof target_modules === 'string') return { ...known, target_modules: modules }
  const stray = modules.find((module) => !target_modules.some((target) => targetMatches(target, module)))
  if (stray)
    throw new UserError(`${path} adapts ${stray}, which target_modules in ${configPath} does not name`)
  return { ...known, target_modules }
}

/** A copy of a module has the module's own name there. */
const fileName = (name: string): string => {
  const module = savedModule(name)
  return module === undefined ? name : `${module}.weight`
}

/** The name of the copy of a module that is trained whole, from its key in a file. */
function savedIn(key: string, modules: readonly string[] = []): string | undefined {
  const module = key.replace(keyPrefix, '').replace(/\.weight$/, '')
  return modules.some((name) => targetMatches(name, module)) ? savedName(module) : undefined
}

/** The name of an adapter's tensor, from its key in a file. */
function adapterName(file: string): string | undefined {
  for (const { adapterKeys } of allFormats) {
    const [, module, half] = adapterKeys.key.exec(file) ?? []
    if (module) return `${adapterKeys.prefix}${module}.${half}`
  }
  return undefined
}

/** The names of the tensors of heads on a pooled vector, of all families. */
function heads(): string[][] {
  const all = Object.values(families).map((family) => {
    const { weight, bias } = family.pooledHead()
    return bias === undefined ? [weight] : [weight, bias]
  })
  return [...new Map(all.map((names) => [names.join(), names])).values()]
}

/** The head, of one family or the other, without PEFT's prefix. */
function headOf(stored: ReadonlyMap<string, FloatTensor>): ReadonlyMap<string, FloatTensor> | undefined {
  const names = heads().find((head) => head.every((name) => stored.has(keyPrefix + name)))
  return names && new Map(names.map((name) => [name, stored.get(keyPrefix + name)!]))
}

/** How the weights of the adapted model are stored: as its family does, which the modules' names tell. */
export function adapterLayout({ tensors }: Pick<PeftAdapter, 'tensors'>): WeightLayout {
  const [module = ''] = adaptedModules({ tensors })
  const names = Object.keys(families) as FamilyName[]
  const name = names.find((one) => module.startsWith(familyFormats[one].adapterKeys.prefix)) ?? names[0]!
  return families[name].layout
}

/** Names of the adapted modules: `transformer.h.0.attn.c_attn` … */
export function adaptedModules(adapter: Pick<PeftAdapter, 'tensors'>): string[] {
  const halves = [...adapter.tensors.keys()].filter((name) => savedModule(name) === undefined)
  return [...new Set(halves.map((name) => name.slice(0, name.lastIndexOf('.lora_'))))]
}

/** Each module that is to be trained whole is there. */
function checkSaved(
  tensors: ReadonlyMap<string, FloatTensor>,
  modules: readonly string[] = [],
  path: string,
  configPath: string,
): void {
  const saved = [...tensors.keys()].flatMap((name) => savedModule(name) ?? [])
  const lacking = modules.find((name) => !saved.some((module) => targetMatches(name, module)))
  if (lacking !== undefined)
    throw new UserError(
      `${path} lacks the weight of ${lacking}, which modules_to_save in ${configPath} promises; save it again`,
    )
}

/** Every module has A [rank, in] and B [out, rank]; returns the modules. */
function checkPairs(tensors: ReadonlyMap<string, FloatTensor>, rank: number, path: string): string[] {
  const modules = adaptedModules({ tensors })
  for (const module of modules) {
    const checkHalf = (half: string, rankAxis: number) => {
      const name = `${module}.${half}.weight`
      const shape = tensors.get(name)?.shape
      if (!shape)
        throw new UserError(`${path} lacks the tensor ${name}, the other half of the module's adapter`)
      if (shape.length !== 2 || shape[rankAxis] !== rank)
        throw new UserError(
          `${path}: tensor ${name} is [${shape.join(', ')}] where the adapter's rank is ${rank}`,
        )
    }
    checkHalf('lora_A', 0)
    checkHalf('lora_B', 1)
  }
  return modules
}

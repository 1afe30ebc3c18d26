/**
 * LoRA adapters in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`. Its keys are
 * `base_model.model.<module>.lora_A.weight` [rank, in] and `….lora_B.weight` [out, rank].
 * @module
 */
import { join } from 'node:path'

import { HEAD } from '../../graphs/models/classifier.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { targetMatches } from '../../graphs/models/lora_config.ts'
import { UserError } from '../errors.ts'
import { writeFileAtomic, writeFolderAtomic } from './atomic.ts'
import { parsePeftConfig, peftConfig } from './peft_config.ts'
import { readJson } from './read_file.ts'
import type { FloatTensor } from './safetensors.ts'
import { readTensors, writeSafetensors } from './safetensors.ts'

/** A LoRA adapter of GPT-2. */
export interface PeftAdapter extends LoraConfig {
  /** Name or path of the model it was trained on. */
  readonly baseModel: string | null
  /** `transformer.h.0.attn.c_attn.lora_A.weight` [rank, in] and `….lora_B.weight` [out, rank], for every module. */
  readonly tensors: ReadonlyMap<string, FloatTensor>
  /** Of a classifier: its head `score.weight`, which PEFT keeps whole beside the adapter (`modules_to_save`). */
  readonly head?: FloatTensor
}

const keyPrefix = 'base_model.model.'
/** The prefix `transformer.` is missing where the adapter was trained on the model without its LM head. */
const key = /^base_model\.model\.(?:transformer\.)?(h\.\d+\.(?:attn|mlp)\.c_\w+)\.(lora_[AB]\.weight)$/

/** Writes an adapter's folder, in place of whatever was there, atomically. */
export async function writePeftAdapter(folder: string, adapter: PeftAdapter): Promise<void> {
  await writeFolderAtomic(folder, (temporary) => fillPeftAdapter(temporary, adapter))
}

/** Writes an adapter's two files into a folder that exists, beside what else lies there. */
export async function fillPeftAdapter(folder: string, adapter: PeftAdapter): Promise<void> {
  const { tensors: pairs, head } = adapter
  const config = JSON.stringify(peftConfig(adapter, adapter.baseModel, head !== undefined), null, 2)
  const named = head ? [[HEAD, head] as const, ...pairs] : [...pairs]
  const tensors = new Map(named.map(([name, tensor]) => [keyPrefix + name, tensor]))
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors)
  await writeFileAtomic(join(folder, 'adapter_config.json'), `${config}\n`)
}

/**
 * Reads an adapter. Where its configuration selects modules by a regular expression, `target_modules` lists them all.
 * @throws UserError where a file is missing or broken, for a feature of PEFT beyond plain LoRA, and for tensors that do
 * not make up the adapter described.
 */
export async function readPeftAdapter(folder: string): Promise<PeftAdapter> {
  const configPath = join(folder, 'adapter_config.json')
  const { target_modules, hasHead, ...settings } = parsePeftConfig(await readJson(configPath), configPath)
  const path = join(folder, 'adapter_model.safetensors')
  const tensors = new Map<string, FloatTensor>()
  const stored = await readTensors(path)
  const head = hasHead ? stored.get(keyPrefix + HEAD) : undefined
  if (hasHead && head?.shape.length !== 2)
    throw new UserError(`${path} lacks the head ${HEAD}, which ${configPath} promises; save it again`)
  for (const [name, tensor] of stored) {
    if (tensor === head) continue
    const [, module, half] = key.exec(name) ?? []
    if (!module)
      throw new UserError(
        `${path}: tensor ${name} is not LoRA on a GPT-2 block, which is all that is supported`,
      )
    tensors.set(`transformer.${module}.${half}`, tensor)
  }
  if (tensors.size === 0) throw new UserError(`${path} holds no tensors; save the trained adapter again`)
  const modules = checkPairs(tensors, settings.r, path)

  const known = { ...settings, tensors, ...(head ? { head } : {}) }
  if (typeof target_modules === 'string') return { ...known, target_modules: modules }
  const stray = modules.find((module) => !target_modules.some((target) => targetMatches(target, module)))
  if (stray)
    throw new UserError(`${path} adapts ${stray}, which target_modules in ${configPath} does not name`)
  return { ...known, target_modules }
}

/** Names of the adapted modules: `transformer.h.0.attn.c_attn` … */
export function adaptedModules(adapter: Pick<PeftAdapter, 'tensors'>): string[] {
  return [...new Set([...adapter.tensors.keys()].map((name) => name.slice(0, name.lastIndexOf('.lora_'))))]
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

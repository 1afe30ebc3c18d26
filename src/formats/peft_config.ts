/**
 * PEFT's `adapter_config.json`, as far as it describes plain LoRA. Source: `LoraConfig` of huggingface/peft 0.21.
 * @module
 */
import { z } from 'zod'

import type { WeightLayout } from '../../graphs/layers/linear.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { adapterScale } from '../../graphs/models/lora_config.ts'
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { checkJson } from '../schema.ts'

/** Features that change what the adapter computes or which modules it holds; each is off when empty. */
const unsupported = [
  'use_dora',
  'bias',
  'lora_bias',
  'trainable_token_indices',
  'ensure_weight_tying',
  'target_parameters',
  'rank_pattern',
  'alpha_pattern',
  'layers_to_transform',
  'layer_replication',
  'exclude_modules',
  'megatron_config',
  'use_qalora',
  'use_bdlora',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
] as const

/** Initialisations that leave the base model's weights alone; the others (PiSSA, OLoRA, LoftQ …) change them. */
const plainInitialisations: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  'gaussian',
  'orthogonal',
  'eva',
]

/** PEFT adds both names of a classification head by itself; an encoder's is the first, a language model's the second. */
const heads: readonly unknown[] = ['classifier', 'score']

const schema = z.looseObject({
  r: z.int().min(1).max(65536),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().default(false),
  lora_dropout: z.number().min(0).lt(1).default(0),
  modules_to_save: z.array(z.string()).nullish(),
  target_modules: z.union([z.array(z.string()), z.string()]),
  base_model_name_or_path: z.string().nullable().default(null),
})

/** What an adapter's configuration says. */
export interface PeftSettings extends Pick<
  LoraConfig,
  'r' | 'lora_alpha' | 'use_rslora' | 'lora_dropout' | 'modules_to_save'
> {
  /** A list of names or endings, or a regular expression. */
  readonly target_modules: readonly string[] | string
  /** Name or path of the model it was trained on. */
  readonly baseModel: string | null
  /** Whether a classification head lies beside the adapter. */
  readonly hasHead: boolean
}

/**
 * Understands an adapter's configuration.
 *
 * @throws UserError naming the key, or the feature that is not supported.
 */
export function parsePeftConfig(json: unknown, where: string): PeftSettings {
  const given = checkJson(z.looseObject({}), json, where)
  if (given['peft_type'] !== 'LORA') throw refused(where, 'peft_type', given['peft_type'], 'LORA')
  const type = given['task_type'] ?? 'CAUSAL_LM'
  const hasHead = type === 'SEQ_CLS'
  if (type !== 'CAUSAL_LM' && !hasHead) throw refused(where, 'task_type', type, 'CAUSAL_LM or SEQ_CLS')
  for (const feature of unsupported)
    if (isSet(given[feature])) throw refused(where, feature, given[feature], 'plain LoRA')
  const initialisation = given['init_lora_weights']
  if (!plainInitialisations.includes(initialisation))
    throw refused(where, 'init_lora_weights', initialisation, 'an initialisation that keeps the base weights')

  const settings = checkJson(schema, given, where)
  const saved = settings.modules_to_save ?? []
  if (hasHead && !saved.some((name) => heads.includes(name)))
    throw refused(where, 'modules_to_save', given['modules_to_save'], '["score"] or ["classifier"]')
  const modules_to_save = saved.filter((name) => !hasHead || !heads.includes(name))
  const { r, lora_alpha, use_rslora, lora_dropout, target_modules } = settings
  if (!Number.isFinite(Math.fround(adapterScale(settings))))
    throw new UserError(
      `${where}: lora_alpha is ${lora_alpha}, which makes a scale that is not finite; put right what PEFT was given`,
    )
  return {
    r,
    lora_alpha,
    ...(use_rslora ? { use_rslora } : {}),
    ...(lora_dropout > 0 ? { lora_dropout } : {}),
    ...(modules_to_save.length > 0 ? { modules_to_save } : {}),
    target_modules,
    baseModel: settings.base_model_name_or_path,
    hasHead,
  }
}

/**
 * The configuration of an adapter.
 *
 * @param layout of the model's weights; PEFT calls GPT-2's [in, out] fan_in_fan_out
 * @param head the module of the classification head, where there is one
 */
export function peftConfig(
  lora: LoraConfig,
  baseModel: string | null,
  layout: WeightLayout,
  head: string | null,
): Record<string, unknown> {
  const saved = [...(head === null ? [] : [head]), ...(lora.modules_to_save ?? [])]
  return {
    base_model_name_or_path: baseModel,
    bias: 'none',
    fan_in_fan_out: layout === 'in_out',
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: lora.lora_alpha,
    lora_dropout: lora.lora_dropout ?? 0,
    modules_to_save: saved.length > 0 ? saved : null,
    peft_type: 'LORA',
    r: lora.r,
    target_modules: lora.target_modules,
    use_rslora: lora.use_rslora ?? false,
    task_type: head === null ? 'CAUSAL_LM' : 'SEQ_CLS',
  }
}

function isSet(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return value !== undefined && value !== null && value !== false && value !== 'none'
}

function refused(where: string, key: string, value: unknown, wanted: string): UserError {
  return new UserError(
    `${where}: ${key} is ${quote(value)}; only ${wanted} is supported, so save it that way`,
  )
}

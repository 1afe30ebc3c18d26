/**
 * How the models of a family are kept in files. The record is total; the family itself is one of `graphs/models/family.ts`.
 * @module
 */
import type { FamilyName, ModelConfig } from '../../../graphs/models/family.ts'
import { familyName } from '../../../graphs/models/family.ts'
import type { Head, PooledHead } from '../../../graphs/models/head.ts'
import { bertFormat } from './bert.ts'
import { gpt2Format } from './gpt2.ts'
import { llamaFormats } from './llama.ts'

/** How tensors are named in a weight file. */
export interface Naming {
  /** The name that transformers' models with a head write. */
  canonical(name: string): string
  /** What the names of tensors within blocks begin with. */
  readonly blocks: string
  /** Tensors of blocks that nobody needs. */
  readonly unused?: RegExp
  /** Tensors that models saved for another purpose lack, and that are drawn anew for training. */
  readonly fresh?: RegExp
}

/** How PEFT names an adapter's tensors. */
export interface AdapterKeys {
  /** What canonical names begin with; it is missing where the adapter is of the model without its head. */
  readonly prefix: string
  /** Module, without the prefix, and half of a tensor. */
  readonly key: RegExp
}

export interface FamilyFormat<C = ModelConfig> {
  /** The configuration in the value of a `config.json`; `where` is what errors call it. Throws UserError where it does not fit. */
  parse(json: unknown, where: string): C
  /** What `architectures` calls the model without a head on a pooled vector. */
  readonly architecture: string
  /** Those of models with one. */
  readonly classifiers: readonly string[]
  /** What `config.json` says of such a head beside its classes. */
  pooledHead(config: C, head: PooledHead): Record<string, unknown>
  /** `generation_config.json`, where it writes. */
  generation(config: C): Record<string, unknown> | null
  /** The token that texts of a head on a pooled vector are padded with; undefined: the tokenizer's own. */
  paddingToken(config: C, head: Pick<Head, 'kind'>): number | undefined
  /** Keys of `config.json` with probabilities of dropping features while training, below a head. */
  readonly dropouts: readonly string[]
  readonly naming: Naming
  /** A tensor that a file may have beside the one that it is tied to, which it must then be equal to. */
  tied(config: C): { readonly tensor: string; readonly to: string } | null
  readonly adapterKeys: AdapterKeys
  /** Whether a bare `config.json` gets the vocabulary that GPT-2 was published with. */
  hasPublishedVocabulary(config: C): boolean
}

export const familyFormats = {
  gpt2: gpt2Format,
  bert: bertFormat,
  ...llamaFormats,
} as const satisfies Record<FamilyName, unknown>

export const formatOf = (config: ModelConfig): FamilyFormat => familyFormats[familyName(config)]

export const allFormats: readonly Pick<FamilyFormat, 'classifiers' | 'adapterKeys'>[] =
  Object.values(familyFormats)

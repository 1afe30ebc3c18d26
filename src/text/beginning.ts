/**
 * What a tokenizer puts before texts: tokens, and a blank where a text does not go on from another.
 * @module
 */
import type { Before } from './tokenizer.ts'
import type { TokenizerConfig } from './tokenizer_config.ts'
import type { Step, TokenizerJson } from './tokenizer_json.ts'

/** A part of `TemplateProcessing`: a token, or the text. */
interface Part {
  readonly SpecialToken?: { readonly id?: unknown }
}

/**
 * The ids of the tokens that stand before every text: those that the post-processor's template has there, or `bos_token` as
 * `add_bos_token` of tokenizer_config.json says.
 */
export function bosIds(
  { post_processor, model }: TokenizerJson,
  { add_bos_token, bos_token }: TokenizerConfig,
  ids: ReadonlyMap<string, number>,
): readonly number[] {
  if (model.type === 'WordPiece') return []
  if (typeof add_bos_token === 'boolean') {
    const bos = ids.get(bos_token?.content ?? '')
    return add_bos_token && bos !== undefined ? [bos] : []
  }
  const found = stepsOf(post_processor, 'processors').find(({ type }) => type === 'TemplateProcessing')
  const parts = Array.isArray(found?.['single']) ? (found['single'] as (Part | null)[]) : []
  const text = parts.findIndex((part) => !part?.SpecialToken)
  return parts.slice(0, Math.max(0, text)).flatMap((part) => ids.get(String(part!.SpecialToken!.id)) ?? [])
}

/** The steps of a sequence, or the one that there is. */
const stepsOf = (
  component: TokenizerJson['post_processor'],
  key: 'normalizers' | 'pretokenizers' | 'processors',
): readonly Step[] =>
  component === null ? [] : component.type === 'Sequence' ? (component[key] ?? []) : [component]

/**
 * The same tokenizer for a text with something before it. A blank is put before what begins: by `Prepend` before all that follows a
 * token, by `Metaspace` as its scheme says; in the midst of a text by none.
 *
 * @returns the description itself where there is no difference
 */
export function following(description: TokenizerJson, before: Before): TokenizerJson {
  if (before === 'nothing') return description
  const normalizers = stepsOf(description.normalizer, 'normalizers')
  const pretokenizers = stepsOf(description.pre_tokenizer, 'pretokenizers')
  const prepends = before === 'text' && normalizers.some(({ type }) => type === 'Prepend')
  const unprefixed = ({ type, prepend_scheme = 'always' }: Step): boolean =>
    type === 'Metaspace' && (before === 'text' ? prepend_scheme !== 'never' : prepend_scheme === 'first')
  if (!prepends && !pretokenizers.some(unprefixed)) return description
  return {
    ...description,
    normalizer: prepends
      ? { type: 'Sequence', normalizers: normalizers.filter(({ type }) => type !== 'Prepend') }
      : description.normalizer,
    pre_tokenizer:
      pretokenizers.length === 0
        ? null
        : {
            type: 'Sequence',
            pretokenizers: pretokenizers.map((step) =>
              unprefixed(step) ? { ...step, prepend_scheme: 'never' } : step,
            ),
          },
  }
}

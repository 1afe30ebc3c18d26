/**
 * The kinds of data. The record is total: nothing else asks of which kind data is.
 * @module
 */
import type { TemplateSource, WritingTemplate } from '../templates/template_source.ts'
import { classification } from './classification.ts'
import type { DataKind } from './kind.ts'
import { preference } from './preference.ts'
import { prompt } from './prompt.ts'
import { sft } from './sft.ts'
import { unpaired } from './unpaired.ts'

export const kinds = { sft, classification, preference, unpaired, prompt } as const

export type DataKindName = keyof typeof kinds

/** Their names, in the order in which a row's columns tell them. */
export const kindNames = (): DataKindName[] =>
  (Object.keys(kinds) as DataKindName[]).sort((one, other) => kinds[one].precedence - kinds[other].precedence)

export const kindNamed = (name: DataKindName): DataKind => kinds[name]

/** A template as one of what a model writes, of a pair the preferred answer; undefined where it writes nothing. */
export const writingTemplate = (template: TemplateSource): WritingTemplate | undefined =>
  Object.values<DataKind>(kinds)
    .find(({ fits }) => fits(template))
    ?.writing(template)

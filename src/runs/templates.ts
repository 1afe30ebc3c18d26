/** @module */
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { hasLabel, hasPair } from '../data/templates/template_source.ts'
import type {
  ChatTemplate,
  CompletionTemplate,
  LabelTemplate,
  PairTemplate,
  PromptTemplate,
  TextTemplate,
} from '../data/templates/template_source.ts'
import { exists } from '../formats/read_file.ts'
import { readRunConfig } from './continue.ts'

/** A template that is no list. */
export type SingleTemplate = WritingTemplate | LabelTemplate | PairTemplate | PromptTemplate

/** A template of a text that a model writes. */
export type WritingTemplate = CompletionTemplate | TextTemplate | ChatTemplate

/**
 * The different templates that a run's data went through, lists opened, in the order of its sources; of a checkpoint,
 * those of its run. None where the folder is neither.
 */
export async function templatesOfRun(folder: string): Promise<SingleTemplate[]> {
  for (const run of [folder, resolve(folder, '..', '..')]) {
    if (!(await exists(join(run, 'training.json')))) continue
    const { template, data } = await readRunConfig(run)
    const templates = data.flatMap(
      (source): readonly SingleTemplate[] | SingleTemplate => source.template ?? template ?? [],
    )
    return templates.filter((one, i) => templates.findIndex((other) => isDeepStrictEqual(one, other)) === i)
  }
  return []
}

/** The same as a template of what a model writes, of a pair the preferred answer; none where a class is told. */
export function writingTemplate(template: SingleTemplate): WritingTemplate | undefined {
  if (hasLabel(template)) return undefined
  if (hasPair(template)) {
    if ('user' in template) {
      const { user, assistant, system, messages } = template
      return { user, assistant, system, messages }
    }
    const { prompt, chosen } = template
    return prompt === undefined ? { text: chosen } : { prompt, completion: chosen }
  }
  if ('prompt' in template && !('completion' in template)) return { prompt: template.prompt, completion: '' }
  return template
}

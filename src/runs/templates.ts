/** @module */
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { writingTemplate } from '../data/kinds/index.ts'
import type { TemplateSource, WritingTemplate } from '../data/templates/template_source.ts'
import { exists } from '../formats/read_file.ts'
import { readRunConfig } from './continue.ts'

/** The templates of a run, or of a checkpoint's, as those of what a model writes. */
export const writingTemplates = async (folder: string): Promise<WritingTemplate[]> =>
  (await templatesOfRun(folder)).flatMap((one) => writingTemplate(one) ?? [])

/** A template that is no list. */
export type SingleTemplate = Exclude<TemplateSource, readonly unknown[]>

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

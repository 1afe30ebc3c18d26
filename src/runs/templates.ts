/** @module */
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { z } from 'zod'

import { writingTemplate } from '../data/kinds/index.ts'
import type { TemplateSource, WritingTemplate } from '../data/templates/template_source.ts'
import { standingRun } from '../formats/curriculum.ts'
import { exists, readJson } from '../formats/read_file.ts'
import { checkJson } from '../schema.ts'
import { readRunConfig } from './run_config.ts'
import { templateSchema } from './data_options.ts'

/** The templates of a run, or of a checkpoint's, as those of what a model writes. */
export const writingTemplates = async (folder: string): Promise<WritingTemplate[]> =>
  (await templatesOfRun(folder)).flatMap((one) => writingTemplate(one) ?? [])

/** A template that is no list. */
export type SingleTemplate = Exclude<TemplateSource, readonly unknown[]>

/**
 * The different templates that a run's data went through, lists opened, in the order of its sources; of a checkpoint,
 * those of its run, of a curriculum those of its last stage. None where the folder is neither.
 */
export async function templatesOfRun(named: string): Promise<SingleTemplate[]> {
  const folder = await standingRun(named)
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

/** The key of an exported model's `config.json` with the templates that its run learned to write by. */
export const TEMPLATES_KEY = 'ortune_templates'

const exportedSchema = z.looseObject({ [TEMPLATES_KEY]: z.array(templateSchema).max(1000).default([]) })

/**
 * The templates by which the model of a folder learned to write: those of its run, or those that an exported model carries along.
 */
export async function learnedTemplates(folder: string): Promise<WritingTemplate[]> {
  const ofRun = await writingTemplates(folder)
  return ofRun.length > 0 ? ofRun : exportedTemplates(folder)
}

async function exportedTemplates(folder: string): Promise<WritingTemplate[]> {
  const path = join(folder, 'config.json')
  if (!(await exists(path))) return []
  const { [TEMPLATES_KEY]: templates } = checkJson(exportedSchema, await readJson(path), path)
  return templates.flatMap((one) => writingTemplate(one) ?? [])
}

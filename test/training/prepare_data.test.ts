import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { detectTemplate } from '../../src/data/templates/forms.ts'
import { prepareData, resolveTemplates } from '../../src/runs/prepare_data.ts'
import type { RunConfig } from '../../src/runs/config.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { tryData } from '../../src/runs/try_data.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'

const ROWS = {
  'words.jsonl': { word: 'sky', definition: 'what is above' },
  'asked.jsonl': { question: 'why', answer: 'because' },
  'plain.jsonl': { text: 'so it is' },
  'moods.jsonl': { text: 'what a day', label: 'joy' },
}

/** A folder with the tiny model and one file a form, and configurations over some of these files. */
async function withForms(
  use: (configOf: (data: readonly object[], change?: object) => RunConfig, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await writeTinyModel(join(folder, 'model'))
    for (const [name, row] of Object.entries(ROWS))
      await writeFile(join(folder, name), `${JSON.stringify(row)}\n`)
    await use((data, change = {}) => {
      const sources = data.map((source) => ({ split: { all: 'train' }, ...source }))
      const config = {
        model: join(folder, 'model'),
        output_dir: join(folder, 'run'),
        data: sources,
        ...change,
      }
      return runConfigSchema.parse(config)
    }, folder)
  })
}

describe('training/prepare_data', () => {
  it("fills templates in: the first source's for all, and others of their own", async () => {
    await withForms(async (configOf, folder) => {
      const at = (name: keyof typeof ROWS) => ({ path: join(folder, name) })
      const words = detectTemplate(['word', 'definition'], 'sft')!
      const asked = detectTemplate(['question', 'answer'], 'sft')!
      const resolved = await resolveTemplates(
        configOf([at('words.jsonl'), at('asked.jsonl'), at('words.jsonl')]),
      )
      expect(resolved.template).to.deep.equal(words)
      expect(resolved.data.map(({ template }) => template)).to.deep.equal([undefined, asked, undefined])
      expect(await resolveTemplates(resolved)).to.deep.equal(resolved)

      const template = { text: '{{ word }}' }
      const given = [at('words.jsonl'), { ...at('plain.jsonl'), template: { text: '{{ text }}' } }]
      const own = await resolveTemplates(configOf(given, { template }))
      expect(own.template).to.deep.equal(template)
      expect(own.data.map((source) => source.template)).to.deep.equal([undefined, { text: '{{ text }}' }])

      const moods = await resolveTemplates(configOf([at('moods.jsonl')], { task: 'classification' }))
      expect(moods.template).to.deep.equal({ text: '{{ text }}', label: '{{ label }}' })
      // What a run writes down is what it reads again.
      for (const config of [resolved, own, moods]) {
        expect(runConfigSchema.parse(JSON.parse(JSON.stringify(config)))).to.deep.equal(
          JSON.parse(JSON.stringify(config)),
        )
      }
    })
  })

  it('prepares the same data from the configuration and from the one with its templates filled in', async () => {
    await withForms(async (configOf, folder) => {
      const at = (name: keyof typeof ROWS, all = 'train') => ({ path: join(folder, name), split: { all } })
      const config = configOf([at('words.jsonl'), at('asked.jsonl'), at('plain.jsonl', 'validation')])
      const out = (name: string) => join(folder, name)
      const told = await prepareData(config, config.model, out('told'))
      const filled = await prepareData(await resolveTemplates(config), config.model, out('filled'))
      expect(filled).to.deep.equal(told)
      expect(told.splits.train).to.include({ examples: 2 })
    })
  })

  it('names the columns of a source of no known form', async () => {
    await withForms(async (configOf, folder) => {
      const config = configOf([{ path: join(folder, 'words.jsonl') }], { task: 'classification' })
      expect(await userError(() => resolveTemplates(config))).to.match(
        /words\.jsonl: its columns \(word, definition\) are of no form known for classification/,
      )
    })
  })

  it('shows the first examples of the training data, and which templates were told', async () => {
    await withForms(async (configOf, folder) => {
      const at = (name: keyof typeof ROWS, all = 'train') => ({ path: join(folder, name), split: { all } })
      const sources = [at('words.jsonl'), at('plain.jsonl'), at('plain.jsonl', 'validation')]
      const template = { text: '{{ word }} is {{ definition }}' }
      const config = configOf([{ ...sources[0]!, template }, ...sources.slice(1)], { max_length: 32 })
      const shown = await tryData(config, { examples: 5 })
      expect(shown).to.include({ maxLength: 32, context: 64 })
      expect(shown.templates.map(({ detected }) => detected)).to.deep.equal([false, true, true])
      expect(shown.examples.map(({ pieces }) => pieces.map(({ text }) => text).join(''))).to.deep.equal([
        'sky is what is above',
        'so it is<|endoftext|>',
      ])
      expect((await tryData(config, { examples: 1 })).examples).to.have.length(1)
      expect((await tryData(config, { examples: 0 })).examples).to.deep.equal([])
    })
  })
})

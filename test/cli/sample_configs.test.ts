import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'

import { expect } from 'chai'

import { readConfigFile } from '../../src/cli/config_file.ts'
import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { compileTemplate } from '../../src/data/templates/template.ts'
import type { SftTemplate } from '../../src/data/templates/template_source.ts'
import { tokenStretches } from '../../src/data/examples/token_pieces.ts'
import { tryData } from '../../src/runs/try_data.ts'
import { withFile } from '../data/helpers.ts'

const project = join(import.meta.dirname, '..', '..')
const configPath = (name: string): string => join(project, 'data', `${name}.yaml`)

/** Real data that is not shipped; see the README beside it. */
const shared = join(project, '..', 'shared', 'data')

/** Prepares the data of a sample configuration, as from the project's folder; `paths` in place of a user's own. */
async function prepareSample(name: string, paths: readonly string[] = [], examples = 3) {
  const overrides = paths.map((path, i) => `data.${i}.path=${path}`)
  const config = await readConfigFile(configPath(name), overrides)
  const data = config.data.map((source) => ({ ...source, path: join(project, source.path) }))
  const tried = await tryData({ ...config, data, model: join(project, config.model) }, { examples })
  return {
    ...tried,
    texts: tried.examples.map(({ pieces }) => tokenStretches(pieces).map(({ text }) => text)),
  }
}

describe('the sample configurations', () => {
  it('are sound, and say above how to run them', async () => {
    const names = (await readdir(join(project, 'data'))).filter((name) => name.endsWith('.yaml'))
    expect(names).to.include.members(['dictionary.yaml', 'emotion.yaml', 'instruct.yaml', 'rte.yaml'])
    for (const name of names) {
      const path = join(project, 'data', name)
      const { output_dir } = await readConfigFile(path, [])
      expect(output_dir, name).to.equal(`runs/${name.replace('.yaml', '')}`)
      expect(await readFile(path, 'utf8'), name).to.include(`#   npx ortune train data/${name}`)
    }
  })

  it('instruct: takes data of another form', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => JSON.stringify({ question: `q${i}`, answer: `a${i}` }))
    await withFile('asked.jsonl', rows.join('\n'), async (path) => {
      const { texts } = await prepareSample('instruct', [relative(project, path)], 1)
      expect(texts).to.deep.equal([['### Instruction: q0\n\n### Response:', ' a0<|endoftext|>']])
    })
  })

  it('a template is taken away by null, and its text may begin with braces', async () => {
    const path = configPath('dictionary_forward')
    expect(await readConfigFile(path, ['template=null'])).to.have.property('template', undefined)
    const given = ['template=null', 'template.text={{ word }}<|endoftext|>']
    expect((await readConfigFile(path, given)).template).to.deep.equal({ text: '{{ word }}<|endoftext|>' })
    const own = await readConfigFile(path, ['data.0.template=null'])
    expect(own.data[0]!.template).to.equal(undefined)
  })

  it('dictionary_forward: a definition of every word, and an example where there is one', async () => {
    const { splits, texts } = await prepareSample('dictionary_forward', [], 4)
    expect(splits.train).to.include({ examples: 15_219, skipped: 0, truncated: 0 })
    expect(texts).to.deep.equal([
      [
        'Word: abaft ; Definition:',
        ' at or near or toward the stern of a ship or tail of an airplane<|endoftext|>',
      ],
      [
        'Word: abaft ; Example:',
        ' ships with square sails sail fairly efficiently with the wind abaft<|endoftext|>',
      ],
      ['Word: abandon ; Definition:', ' forsake, leave behind<|endoftext|>'],
      ['Word: abandon ; Example:', ' We abandoned the old car in the empty parking lot<|endoftext|>'],
    ])
  })

  it('dictionary_reverse: the same the other way round', async () => {
    const { template } = await readConfigFile(configPath('dictionary_reverse'), [])
    const rendered = compileTemplate(template as SftTemplate).render(
      { word: 'sky', definition: 'what is above', example: 'the sky is blue' },
      'row 1',
    )
    expect(rendered.map((segments) => segments.map(({ text }) => text))).to.deep.equal([
      ['Definition: what is above ; Word:', ` sky${END_MARK}`],
      ['Example: the sky is blue ; Word:', ` sky${END_MARK}`],
    ])
  })

  it('part_of_speech: four classes', async () => {
    const { classes, splits, examples, texts } = await prepareSample('part_of_speech', [], 1)
    expect(classes).to.deep.equal(['adjective', 'adverb', 'noun', 'verb'])
    expect(splits.train!.classCounts).to.deep.equal([3171, 551, 5561, 1517])
    expect(examples[0]!.label).to.equal('adverb')
    expect(texts[0]).to.deep.equal(['at or near or toward the stern of a ship or tail of an airplane'])
  })

  it('reward, dpo, orpo, simpo, kto, ppo: the same pairs, learned from as pairs, answer by answer or as prompts', async () => {
    const { data, template } = await readConfigFile(configPath('dpo'), [])
    for (const name of ['reward', 'orpo', 'simpo'])
      expect(await readConfigFile(configPath(name), []), name).to.deep.include({ data, template })
    for (const name of ['dpo', 'ppo']) {
      const { splits } = await prepareSample(name, [], 1)
      expect(splits.train, name).to.include({ examples: 8000, skipped: 0, truncated: 0 })
      expect(splits.validation, name).to.include({ examples: 500, skipped: 0, truncated: 0 })
    }
    const { splits } = await prepareSample('kto', [], 1)
    expect(splits.train).to.include({ examples: 16_000, desirable: 8000, skipped: 0, truncated: 0 })
    const templates = ['reward', 'dpo', 'orpo', 'simpo', 'kto', 'ppo'].map(async (name) => {
      const { template } = await readConfigFile(configPath(name), [])
      return (template as { prompt: string }).prompt
    })
    expect(new Set(await Promise.all(templates)).size).to.equal(1)
  })

  const given = existsSync(shared)
  const onRealData = given ? describe : describe.skip
  onRealData(`on real data${given ? '' : ` (skipped: there is no ${shared})`}`, () => {
    const path = (...names: string[]) => join('..', 'shared', 'data', ...names)

    it('emotion: six classes of 16,000 and 2,000 sentences', async () => {
      const paths = [path('emotion', 'train.txt'), path('emotion', 'validation.txt')]
      const { classes, splits, examples, texts } = await prepareSample('emotion', paths, 1)
      expect(classes).to.deep.equal(['anger', 'fear', 'joy', 'love', 'sadness', 'surprise'])
      expect(splits.train!.classCounts).to.deep.equal([2159, 1937, 5362, 1304, 4666, 572])
      expect(splits.validation!.classCounts).to.deep.equal([275, 212, 704, 178, 550, 81])
      expect(splits.train).to.include({ examples: 16_000, skipped: 0 })
      expect(texts[0]).to.deep.equal(['i didnt feel humiliated'])
      expect(examples[0]!.label).to.equal('sadness')
    })

    it('rte: pairs with the end of text between them', async () => {
      const paths = [path('rte', 'train.tsv'), path('rte', 'validation.tsv')]
      const { classes, splits, examples, texts } = await prepareSample('rte', paths, 2)
      expect(classes).to.deep.equal(['entailment', 'not_entailment'])
      expect(splits.train!.classCounts).to.deep.equal([1103, 1097])
      expect(splits.validation).to.include({ examples: 290, skipped: 0 })
      expect(texts[1]).to.deep.equal([
        'Swedish Foreign Minister murdered.<|endoftext|>Swedish prime minister murdered.',
      ])
      const { pieces, label } = examples[1]!
      expect(pieces.filter(({ end }) => end)).to.have.length(1)
      expect(label).to.equal('not_entailment')
    })

    it('instruct: no context section where there is no context', async () => {
      const { splits, texts } = await prepareSample('instruct', [path('dolly', 'dolly_sample.jsonl')], 3)
      const { train, validation } = splits
      const rows = [train!, validation!].map(({ examples, skipped }) => examples + skipped)
      expect(rows.reduce((sum, count) => sum + count)).to.equal(111)
      expect(texts[1]).to.deep.equal([
        '### Instruction: Which US state produces the most pineapples?\n\n### Response:',
        ' Hawaii<|endoftext|>',
      ])
      expect(texts[2]![0]).to.match(
        /^### Instruction: Extract .*\n\n### Context: Collins graduated .*\n\n### Response:$/,
      )
    })
  })
})

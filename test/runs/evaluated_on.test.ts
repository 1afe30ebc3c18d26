import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { splitFile } from '../../src/data/sets/split_files.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { dataWarnings } from '../../src/report/data_advice.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { tryData } from '../../src/runs/try_data.ts'
import { runHere } from '../cli/run_cli.ts'
import { rejection } from '../rejection.ts'
import { writeTinyModel } from '../tiny_model.ts'

/** Two short rows and a long one of each split. */
const rows = ['train', 'validation', 'test'].flatMap((split) =>
  ['a', 'b', 'a long answer of many words'].map((answer) => ({ q: split, a: `${answer}.`, split })),
)

describe('what a run is evaluated on', function () {
  this.timeout(60_000)
  let folder: string
  let shared: Record<string, unknown>
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-evaluated-'))
    await writeTinyModel(join(folder, 'model'))
    await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    await writeFile(join(folder, 'others.csv'), 'question,answer\nx,first\ny,second\n')
    shared = {
      model: join(folder, 'model'),
      output_dir: join(folder, 'run'),
      data: [{ path: join(folder, 'rows.jsonl'), split: { column: 'split' } }],
      template: { prompt: '{{ q }} ', completion: '{{ a }}' },
    }
  })
  after(() => rm(folder, { recursive: true, force: true }))

  let count = 0
  /** The texts of each split. */
  async function prepared(config: object) {
    const out = join(folder, `data-${count++}`)
    const report = await tryData(readConfig({ ...shared, ...config }), { out })
    const tokenizer = await loadTokenizer(join(folder, 'model'))
    const texts = Object.keys(report.splits).map((split) => {
      const data = openArrowDataset(splitFile(out, split as 'train'))
      const found = Array.from({ length: data.size }, (_, i) => tokenizer.decode([...data.row(i).input_ids]))
      const { fingerprint } = data
      data.close()
      return [split, { found, fingerprint }] as const
    })
    return { report, splits: Object.fromEntries(texts) }
  }

  it('is counted where it is learned from, too, and that is told', async () => {
    const same = await prepared({
      eval_data: [{ path: join(folder, 'rows.jsonl'), split: { all: 'validation' } }],
    })
    expect(same.report.learnedFrom).to.equal(3)
    expect(dataWarnings(same.report, 'eval_loss')[0]).to.match(
      /^Warning: 3 of the 9 \w+ to evaluate on are learned from, too/,
    )
    const apart = await prepared({ eval_data: shared['data'], eval_filter: 'a | length < 9' })
    expect(apart.report.learnedFrom).to.equal(0)
    expect((await prepared({})).report).not.to.have.property('learnedFrom')
  })

  it('is what it learns from, where nothing else is said, or the same', async () => {
    const plain = await prepared({ filter: 'a | length < 9', max_length: 16 })
    const said = await prepared({
      ...{ filter: 'a | length < 9', max_length: 16 },
      ...{ eval_filter: 'a | length < 9', eval_max_length: 16, eval_data: shared['data'] },
    })
    expect(said.report.fingerprint).to.equal(plain.report.fingerprint)
    expect(said.splits).to.deep.equal(plain.splits)
    expect(plain.splits['test']!.found).to.deep.equal(['test a.', 'test b.'])
  })

  it('may be other rows, of another length', async () => {
    const own = { filter: 'a | length < 9', max_length: 12 }
    const { splits, report } = await prepared({ ...own, eval_filter: true, eval_max_length: 'context' })
    expect(splits['train']!.found).to.deep.equal(['train a.', 'train b.'])
    expect(splits['validation']!.found).to.deep.equal(
      ['a.', 'b.', 'a long answer of many words.'].map((text) => `validation ${text}`),
    )
    expect(report).to.include({ maxLength: 12, evalMaxLength: report.context })
    // They are those of a run that learns from all rows.
    const whole = await prepared({})
    for (const split of ['validation', 'test']) expect(splits[split]).to.deep.equal(whole.splits[split])
    const cut = await prepared({ eval_max_length: 12 })
    expect(cut.report.splits.train!.truncated).to.equal(0)
    expect(cut.report.splits.validation!.truncated).to.equal(1)
    expect(cut.splits['train']!.found).to.deep.equal(whole.splits['train']!.found)
    expect(cut.report.fingerprint).not.to.equal(whole.report.fingerprint)
  })

  it('may be of other sources, all of whose rows are for validation unless they say it', async () => {
    const template = { prompt: '{{ question }} ', completion: '{{ answer }}' }
    const path = join(folder, 'others.csv')
    const { splits } = await prepared({ eval_data: [{ path, template }] })
    expect(Object.keys(splits)).to.deep.equal(['train', 'validation'])
    expect(splits['train']!.found).to.have.length(3)
    expect(splits['validation']!.found).to.deep.equal(['x first', 'y second'])
  })

  it('is read for what is evaluated on alone', async () => {
    // A row to learn from that does not fit is nothing to an evaluation on other rows, and the other way round.
    const path = join(folder, 'odd.jsonl')
    const odd = { path, template: { prompt: '{{ q }}', completion: '{{ b }}' }, split: { column: 'split' } }
    await writeFile(path, '{"q":"odd","a":1,"split":"train"}\n{"q":"even","b":"2","split":"validation"}\n')
    const { splits } = await prepared({ eval_data: [odd] })
    expect(splits['validation']!.found).to.deep.equal(['even2'])
  })

  const refused: Readonly<Record<string, [config: object, says: RegExp]>> = {
    'a length beyond the context': [
      { eval_max_length: 9999 },
      /^eval_max_length 9999 exceeds the model's context of \d+; lower it$/,
    ],
    'a filter that leaves nothing': [
      { eval_filter: '{{ split == "train" }}' },
      /^the filter "{{ split == \\"train\\" }}" leaves no validation examples; change it, or the split of the sources$/,
    ],
    'a filter that holds for no row': [
      { eval_filter: 'a == "z"' },
      /the filter "a == \\"z\\"" holds for none of the 9 rows; change it, or leave it out$/,
    ],
    'a malformed filter': [{ eval_filter: 'a ==' }, /^the filter template, line 1, is malformed/],
    'sources of training rows alone': [
      { eval_data: [{ path: 'ROWS', split: { all: 'train' } }] },
      /^the data has no validation examples; add a source of them \(split: { all: validation }\)/,
    ],
  }
  for (const [name, [config, says]] of Object.entries(refused))
    it(`is refused with ${name}`, async () => {
      const given = JSON.parse(JSON.stringify(config).replace('ROWS', join(folder, 'rows.jsonl'))) as object
      expect((await rejection(prepared(given))).message).to.match(says)
    })

  it('is said by "ortune prepare" to be cut at a length of its own', async () => {
    await writeFile(join(folder, 'run.yaml'), JSON.stringify(shared))
    const { stdout, code } = await runHere(
      folder,
      'prepare',
      'run.yaml',
      'eval_max_length=12',
      'max_length=14',
    )
    expect(code).to.equal(0)
    expect(stdout).to.match(/^1 of 3 examples are longer than 14 tokens .*: max_length=\d+ keeps all\.$/m)
    expect(stdout).to.match(
      /^2 of 6 examples are longer than 12 tokens .*: eval_max_length=\d+ keeps all\.$/m,
    )
  })
})

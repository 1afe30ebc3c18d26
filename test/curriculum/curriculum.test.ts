import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { expect } from 'chai'

import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { findModel } from '../../src/models/find_model.ts'
import { drawCurriculum } from '../../src/report/write_curriculum_curves.ts'
import { createCurriculum } from '../../src/runs/curriculum/create.ts'
import type { CurrentStage } from '../../src/runs/curriculum/continue.ts'
import { continueCurriculum } from '../../src/runs/curriculum/continue.ts'
import { readCurriculum } from '../../src/runs/curriculum/kept.ts'
import { createRun } from '../../src/runs/create.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { openSplit } from '../../src/runs/split.ts'
import { learnedTemplates } from '../../src/runs/templates.ts'
import { runHere } from '../cli/run_cli.ts'
import { rejection } from '../rejection.ts'
import { bytesOf, expectSameBytes, long, rows, shared, short, writeCurriculumInputs } from './small.ts'

const command = resolve(import.meta.dirname, '../../src/cli/ortune.mjs')

describe('a curriculum', function () {
  this.timeout(180_000)
  let folder: string
  let directory: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-curriculum-'))
    await writeCurriculumInputs(folder)
    directory = process.cwd()
    process.chdir(folder)
  })
  after(async () => {
    process.chdir(directory)
    await rm(folder, { recursive: true, force: true })
  })

  const write = (config: object) =>
    writeFile(join(folder, 'run.yaml'), JSON.stringify({ ...shared, ...config }))

  it('is a run for each stage, which starts from the best of the one before', async () => {
    const stages = await createCurriculum(readConfig({ ...shared, output_dir: 'whole' }))
    const counts = stages.map(({ data }) => [data.splits.train!.examples, data.splits.validation!.examples])
    expect(counts).to.deep.equal([
      [20, 4],
      [20, 4],
      [40, 8],
    ])
    const begun: CurrentStage[] = []
    const losses: number[][] = []
    const { finished, visits } = await continueCurriculum('whole', {
      watch(stage) {
        begun.push(stage)
        const own: number[] = []
        losses.push(own)
        return { evaluation: ({ eval_loss }) => void own.push(eval_loss) }
      },
    })
    expect(finished).to.equal(true)
    expect(begun.map(({ name, done }) => [name, done])).to.deep.equal([
      ['short', 0],
      ['long', 1],
      ['all of them', 2],
    ])
    expect(visits.map(({ run, global_step }) => [run, global_step])).to.deep.equal([
      ['1-short', 3],
      ['2-long', 6],
      ['3-all-of-them', 5],
    ])
    for (const [i, { best_metric }] of visits.entries())
      expect(best_metric).to.equal(Math.min(...losses[i]!.slice(1)))
    const settings = JSON.parse(await readFile('whole/stages/2-long/training.json', 'utf8')) as object
    expect(settings).to.deep.include({
      ...{ from: 'whole/stages/1-short', filter: long.filter, stages: null, num_train_epochs: 2 },
    })
  })

  it('its folder stands for the last stage', async () => {
    const last = join('whole', 'stages', '3-all-of-them')
    expect(await findModel('whole')).to.deep.include({
      base: last,
      adapter: join(last, 'checkpoints', 'best'),
      checkpoint: 'best',
    })
    expect(await evaluateRun('whole', 'validation')).to.deep.equal(await evaluateRun(last, 'validation'))
    expect(await learnedTemplates('whole')).to.deep.equal([shared.template])
    const said = await runHere(folder, 'inspect', 'whole')
    expect(said.stdout).to.match(/^whole\/stages\/3-all-of-them: sft, LoRA r=4/)
    const merged = await runHere(folder, 'merge', 'whole', '--out', 'merged')
    expect(merged.code).to.equal(0)
    const text = await runHere(folder, 'generate', 'merged', '--prompt', 'What is sea?', '--json')
    const own = await runHere(folder, 'generate', 'whole', '--prompt', 'What is sea?', '--json')
    const written = (stdout: string) =>
      (JSON.parse(stdout) as { continuations?: unknown; texts?: unknown }).texts
    expect(written(text.stdout)).to.deep.equal(written(own.stdout))
  })

  it('goes on to nothing more once it is finished', async () => {
    const bytes = await bytesOf('whole')
    const { code, stdout } = await runHere(folder, 'resume', 'whole')
    expect([code, stdout.split('\n')[0]]).to.deep.equal([0, 'trained 3 stages'])
    expect(await bytesOf('whole')).to.deep.equal(bytes)
    const again = await runHere(folder, 'train', await yaml({ output_dir: 'whole' }))
    expect([again.code, again.stderr]).to.deep.equal([
      2,
      'ortune: whole holds a curriculum already; go on with "ortune resume whole" or name another folder\n',
    ])
    const changed = await runHere(folder, 'resume', 'whole', 'max_steps=9')
    expect(changed.code).to.equal(2)
    expect(changed.stderr).to.match(/"ortune resume whole\/stages\/3-all-of-them max_steps=9"/)
  })

  async function yaml(config: object): Promise<string> {
    await write(config)
    return 'run.yaml'
  }

  it('killed in the middle of its second stage, goes on to the same bytes', async () => {
    await write({ output_dir: 'killed' })
    const start = (...args: string[]) =>
      spawn(process.execPath, [command, ...args], { cwd: folder, stdio: 'ignore' })
    for (const sign of [
      'stages/1-short/log.jsonl',
      'stages/2-long/training.json',
      'stages/2-long/checkpoints/last',
    ]) {
      const child = existsSync('killed') ? start('resume', 'killed') : start('train', 'run.yaml')
      const exit = once(child, 'exit')
      while (!existsSync(join('killed', sign)) && child.exitCode === null) await wait(2)
      child.kill('SIGKILL')
      await exit
      expect(child.signalCode, sign).to.equal('SIGKILL')
    }
    expect((await readCurriculum('killed')).visits).to.have.length(1)
    await once(start('resume', 'killed'), 'exit')
    await expectSameBytes('killed', 'whole')
    const { visits } = await readCurriculum('killed')
    expect(visits).to.deep.equal((await readCurriculum('whole')).visits)
  })

  it('adaptive: a stage ends when it improves no more, and says what it leaves of those before', async () => {
    const curriculum = { advance: 'adaptive', patience: 1, tolerance: 0, max_returns: 1 }
    const stages = [short, { ...long, learning_rate: 0.3 }]
    const notes: string[] = []
    await createCurriculum(readConfig({ ...shared, output_dir: 'adaptive', curriculum, stages }))
    const { visits } = await continueCurriculum('adaptive', { note: (sentence) => notes.push(sentence) })
    expect(visits.map(({ stage }) => stage)).to.deep.equal(['short', 'long', 'short', 'long'])
    expect(notes).to.deep.equal(['back to stage short, of which long has unlearned too much'])
    expect(visits[1]!.earlier!['short']).to.be.greaterThan(visits[0]!.best_metric!)
    const picture = await readFile((await drawCurriculum('adaptive'))!, 'utf8')
    for (const name of ['short', 'long', 'back to short']) expect(picture).to.include(`>${name}<`)
    // What the third run starts from is what the second left of its stage.
    const log = (await readFile('adaptive/stages/3-short/log.jsonl', 'utf8')).split('\n')
    const first = log.map((line) => JSON.parse(line || '{}') as { step?: number; eval_loss?: number })
    expect(first.find((line) => line.step === 0)!.eval_loss).to.equal(visits[1]!.earlier!['short'])
  })

  it('evaluates all stages on the same rows, in any order, where validation is all', async () => {
    const validationOf = async (output_dir: string, order: 'given' | 'reversed') => {
      const curriculum = { validation: 'all' as const, order }
      const planned = await createCurriculum(readConfig({ ...shared, output_dir, curriculum }))
      expect(planned.map(({ data }) => data.splits.validation!.examples)).to.deep.equal([8, 8, 8])
      const learned = [20, 20, 40]
      expect(planned.map(({ data }) => data.splits.train!.examples)).to.deep.equal(
        order === 'given' ? learned : learned.reverse(),
      )
      const { visits } = await continueCurriculum(output_dir)
      const found: { fingerprint: string; ids: string }[] = []
      for (const { run } of visits) {
        const data = await openSplit(join(output_dir, 'stages', run), 'validation')
        const ids = Array.from({ length: data.size }, (_, i) => [...data.row(i).input_ids])
        found.push({ fingerprint: data.fingerprint, ids: JSON.stringify(ids) })
        data.close()
      }
      return found
    }
    const given = await validationOf('same-rows', 'given')
    expect(given).to.deep.equal([given[0], given[0], given[0]])
    expect(await validationOf('same-rows-reversed', 'reversed')).to.deep.equal(given)
    // The rows are those of a run without stages, cut at 60 tokens and not at the first stage's 30.
    await createRun(readConfig({ ...shared, output_dir: 'without-stages', stages: undefined }))
    const data = await openSplit('without-stages', 'validation')
    expect(data.fingerprint).to.equal(given[0]!.fingerprint)
    data.close()
    const { code, stderr } = await runHere(
      folder,
      ...['evaluate', 'same-rows/stages/1-short', 'same-rows/stages/2-long', '--generate', '0'],
    )
    expect([code, stderr]).to.deep.equal([0, ''])
  })

  it('says of each stage which one it is, in the order of the curriculum', async () => {
    const stages = ['a', 'b'].map((name) => ({ name, max_steps: 1 }))
    const curriculum = { order: 'reversed' }
    await createCurriculum(readConfig({ ...shared, output_dir: 'told', stages, curriculum }))
    const { stdout, stderr } = await runHere(folder, 'resume', 'told')
    expect(stderr.match(/^stage .*$/gm)).to.deep.equal([
      'stage 1 of 2, b: told/stages/1-b',
      'stage 2 of 2, a: told/stages/2-a',
    ])
    expect(stdout).to.match(/^trained 2 stages\n {2}1-b: 1 step, best /)
  })

  it('an adaptive one then looks back on the same rows', async () => {
    const curriculum = { advance: 'adaptive', validation: 'all', tolerance: 1, patience: 9 }
    await createCurriculum(readConfig({ ...shared, output_dir: 'adaptive-all', curriculum }))
    const { visits } = await continueCurriculum('adaptive-all')
    for (const { best_metric, earlier } of visits)
      for (const value of Object.values(earlier!)) expect(value).to.equal(best_metric)
    expect(Object.keys(visits[2]!.earlier!)).to.deep.equal(['short', 'long'])
  })

  const refused: Readonly<Record<string, [config: object, says: RegExp]>> = {
    'a stage without rows': [
      { stages: [short, { name: 'giant', filter: 'response | length > 999' }] },
      /^ortune: stage "giant": rows.jsonl: the filter "response \| length > 999" holds for none of the 48 rows; change it, or leave it out\n$/,
    ],
    'a stage without rows to validate on': [
      { stages: [{ name: 'trained', filter: '{{ split == "train" }}' }] },
      /stage "trained": the filter .* leaves no validation examples; change it, or the split/,
    ],
    'a filter that is no condition': [
      { stages: [{ name: 'odd', filter: '{{ row.response }}' }] },
      /stage "odd": rows.jsonl, row 1: the filter "\{\{ row.response \}\}" is no condition, as it writes ".*" in place of true or false; compare something/,
    ],
    'a malformed filter': [
      { stages: [{ name: 'odd', filter: 'response | length <' }] },
      /stage "odd": the filter template, line 1, is malformed/,
    ],
    'a filter of a column that there is not': [
      { stages: [{ name: 'odd', filter: 'answer | length < 10' }] },
      /stage "odd": rows.jsonl, row 1: the filter template uses "answer", which is no column/,
    ],
    'a filter that calls something': [
      { stages: [{ name: 'odd', filter: 'len(response) < 10' }] },
      /stage "odd": the filter template, line 1: functions and methods cannot be called/,
    ],
    'two stages of the same name': [
      { stages: [short, long, short] },
      /stages.2.name: "short" is the name of stage 1 already; give another/,
    ],
    'another lora in a stage': [
      { stages: [{ ...short, lora: { r: 2 } }] },
      /stages.0.lora: lora is the same in all stages; give it beside stages, or leave it out/,
    ],
    'an unknown key in a stage': [
      { stages: [{ ...short, filtre: 'true' }] },
      /there is no option "stages.0.filtre"; did you mean "stages.0.filter"\?/,
    ],
    'no stage': [{ stages: [] }, /stages: there is no stage; describe one, or leave stages out/],
    'evaluation of its own in a stage, where all are evaluated alike': [
      { stages: [short, { ...long, eval_filter: true }], curriculum: { validation: 'all' } },
      /stage "long" has eval_filter, and with curriculum.validation=all the stages are evaluated on the same rows; give it beside stages, or leave it out/,
    ],
    'a template in a stage alone, where all are evaluated alike': [
      {
        template: undefined,
        stages: [{ ...short, template: shared.template }],
        curriculum: { validation: 'all' },
      },
      /stage "short" has a template, and with .*=all the stages are evaluated by the one beside stages; give one there/,
    ],
    'a curriculum without stages': [
      { stages: undefined, curriculum: 'adaptive' },
      /curriculum says how to go through stages, and there are none/,
    ],
  }
  for (const [name, [config, says]] of Object.entries(refused))
    it(`is refused with ${name}, and nothing is written`, async () => {
      const { code, stderr } = await runHere(
        folder,
        'train',
        await yaml({ output_dir: 'refused', ...config }),
      )
      expect(stderr).to.match(says)
      expect(code).to.equal(2)
      expect(existsSync(join(folder, 'refused'))).to.equal(false)
    })

  it('does not go on where the data has changed since', async () => {
    const data = [{ path: 'changing.jsonl', split: { column: 'split' } }]
    await writeFile('changing.jsonl', await readFile('rows.jsonl'))
    await createCurriculum(readConfig({ ...shared, output_dir: 'changing', data }))
    await writeFile('changing.jsonl', `${await readFile('rows.jsonl', 'utf8')}${JSON.stringify(rows[3])}\n`)
    const { message } = await rejection(continueCurriculum('changing'))
    expect(message).to.match(/^stage "long": the data has changed since .*changing.jsonl.*; put it back/)
  })
})

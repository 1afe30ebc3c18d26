import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import type { Manifest } from '../../src/formats/manifest.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/find_model.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { runHere } from '../cli/run_cli.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { poke } from '../formats/poke.ts'
import { resealCheckpoint, unseal } from '../formats/reseal.ts'
import { createTinyRun } from '../training/tiny_run.ts'

const rows = ['fox', 'hen', 'owl', 'elk'].map((word) => ({ text: `a ${word} is an animal` }))

/** Turns one bit of the last number of a file: of its sign, so that it stays finite. */
function turnBit(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length - 1]! ^= 0x80
  writeFileSync(path, bytes)
}

const truncated = (path: string) => truncateSync(path, readFileSync(path).length - 8)
const emptied = (path: string) => writeFileSync(path, '')

type Damage = (path: string) => void | Promise<void>

/** What happens to a file, and what is said of it. */
const damages: Readonly<Record<string, readonly [file: string, damage: Damage, says: RegExp]>> = {
  'a turned bit of the adapter': [
    'adapter_model.safetensors',
    turnBit,
    /adapter_model\.safetensors is damaged/,
  ],
  'a turned bit of a moment': ['optimizer.safetensors', turnBit, /optimizer\.safetensors is damaged/],
  'a cut-off adapter': ['adapter_model.safetensors', truncated, /adapter_model\.safetensors is damaged/],
  'cut-off moments': ['optimizer.safetensors', truncated, /optimizer\.safetensors is damaged/],
  'empty moments': ['optimizer.safetensors', emptied, /optimizer\.safetensors is damaged/],
  'a cut-off state': [
    'trainer_state.json',
    truncated,
    /trainer_state\.json is damaged, as it is no JSON object/,
  ],
  'a state that is gone': ['trainer_state.json', rmSync, /trainer_state\.json is missing/],
}

async function trained(
  folder: string,
  config: object = {},
): Promise<{ run: string; last: string; best: string }> {
  const { run } = await createTinyRun(folder, rows, { max_steps: 2, threads: 1, ...config })
  await continueRun(run)
  const [last, best] = ['last', 'best'].map((name) => join(run, 'checkpoints', name)) as [string, string]
  return { run, last, best }
}

describe('a damaged file of a checkpoint', () => {
  it('is named where the run is to go on, with what to do, and the best checkpoint goes on in its place', () =>
    withFolder(async (folder) => {
      const { run, last, best } = await trained(folder)
      const sound = join(folder, 'sound')
      cpSync(last, sound, { recursive: true })
      const go = () => continueRun(run, undefined, { changes: { max_steps: 4 } })
      for (const [what, [file, damage, says]] of Object.entries(damages)) {
        await damage(join(last, file))
        const said = await userError(go)
        expect(said, what).to.match(says)
        expect(said, what).to.include(
          `; put it back from a copy, or a copy of ${best} in the place of ${last}`,
        )
        expect(said, what).not.to.include('learning rate')
        rmSync(last, { recursive: true })
        cpSync(sound, last, { recursive: true })
      }
      rmSync(last, { recursive: true })
      cpSync(best, last, { recursive: true })
      expect((await go()).global_step).to.equal(4)
    }))

  it('of before there were digests is read, but for numbers that are not finite', () =>
    withFolder(async (folder) => {
      const { run, last } = await trained(folder)
      const path = join(last, 'trainer_state.json')
      const { files } = JSON.parse(readFileSync(path, 'utf8')) as { files: object }
      const names = ['adapter_config.json', 'adapter_model.safetensors', 'optimizer.safetensors']
      expect(Object.keys(files)).to.deep.equal(names)
      unseal(run)
      const moments = join(last, 'optimizer.safetensors')
      const [moment] = (await readTensors(moments)).keys()
      await poke(moments, moment!, 0, NaN)
      const go = () => continueRun(run, undefined, { changes: { max_steps: 3 } })
      const said = await userError(go)
      expect(said).to.match(
        /optimizer\.safetensors is damaged: its tensor \S+ has values that are not finite \(NaN\); put/,
      )
      expect(said).not.to.include('learning rate')
      await poke(moments, moment!, 0, 0)
      expect((await go()).global_step).to.equal(3)
    }))

  const kinds: Readonly<Record<string, readonly [config: object, file: string]>> = {
    'an adapter': [{}, 'adapter_model.safetensors'],
    'a whole model': [{ lora: 'full' }, 'model.safetensors'],
    'plastic blocks': [
      {
        lora: 'none',
        npt: { rank: 2, modulation_scale: 0.1, init_scale: 0.1, layers: 'all', attention_residual: true },
      },
      'trained.safetensors',
    ],
  }
  const spoiled: Readonly<Record<string, readonly [damage: Damage, says: RegExp]>> = {
    'cut off': [truncated, /is not a sound safetensors file: .*truncated/],
    'with a number that is none': [
      async (path) => poke(path, [...(await readTensors(path)).keys()][0]!, 0, NaN),
      /values that are not finite|computes \w+ that are not finite/,
    ],
  }
  for (const [what, [config, file], how, [damage, says]] of Object.entries(kinds).flatMap(([what, kind]) =>
    Object.entries(spoiled).map(([how, damage]) => [what, kind, how, damage] as const),
  ))
    it(`is refused by whatever opens it: ${what} ${how}`, () =>
      withFolder(async (folder) => {
        const { run, best } = await trained(folder, config)
        await damage(join(best, file))
        const refused = async (as: RegExp) => {
          for (const command of [
            ['generate', 'run', '--prompt', 'a fox'],
            ['generate', 'run/checkpoints/best', '--prompt', 'a fox'],
            ['evaluate', 'run'],
            ['merge', 'run', '--out', 'merged'],
          ]) {
            const { code, stderr } = await runHere(folder, ...command)
            expect(stderr, command.join(' ')).to.match(as)
            expect(code).to.equal(2)
          }
        }
        await refused(/best\/\S+ is damaged, as it is not what training saved/)
        // Also where nobody knows what it was.
        await resealCheckpoint(best)
        await refused(says)
        expect(existsSync(join(folder, 'merged'))).to.equal(false)
        await (await openGenerator(run, { checkpoint: 'last' })).release()
      }))
})

/** A JSON file with some keys as they should not be. */
const edited =
  (changes: object): Damage =>
  (path) =>
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...changes }))

describe("a checkpoint's state and configuration", () => {
  const states: Readonly<Record<string, object>> = {
    'at another step': { global_step: 1, batch: 1 },
    'with another best value': { best_metric: -1e300 },
    'with a mean of rewards': { reward_mean: 1e308 },
    'without digests': { files: undefined },
    'with digests that are none': { files: [] },
    'without a digest of its own': { sha256: undefined },
    'without any seal': { files: undefined, sha256: undefined, run: undefined },
  }
  it('that was edited is not gone on from, nor used', () =>
    withFolder(async (folder) => {
      const { run, last } = await trained(folder)
      const path = join(last, 'trainer_state.json')
      const sound = readFileSync(path)
      const log = readFileSync(join(run, 'log.jsonl'), 'utf8')
      for (const [how, changes] of Object.entries(states)) {
        await edited(changes)(path)
        for (const use of [
          () => continueRun(run, undefined, { changes: { max_steps: 4 } }),
          () => findModel(run, { checkpoint: 'last' }),
          () => findModel(last),
        ])
          expect(await userError(use), how).to.match(/trainer_state\.json is damaged, as .*; put it back/)
        writeFileSync(path, sound)
      }
      expect(readFileSync(join(run, 'log.jsonl'), 'utf8')).to.equal(log)
      expect((await continueRun(run, undefined, { changes: { max_steps: 4 } })).global_step).to.equal(4)
    }))

  const uses: Readonly<Record<string, Damage>> = {
    'adapter_model.safetensors': turnBit,
    'adapter_config.json': edited({ lora_alpha: 800 }),
    'trainer_state.json': rmSync,
  }
  for (const [file, damage] of Object.entries(uses))
    it(`of the best one are compared at every opening and where the run goes on: ${file}`, () =>
      withFolder(async (folder) => {
        const { run, best, last } = await trained(folder)
        await findModel(run)
        await damage(join(best, file))
        const says = new RegExp(`best/${file.replace('.', '\\.')} is (damaged|missing).*; put it back`)
        expect(await userError(() => findModel(run))).to.match(says)
        expect(await userError(() => continueRun(run))).to.match(says)
        expect(await userError(() => openGenerator(run, { checkpoint: 'best' }))).to.match(says)
        expect((await findModel(run, { checkpoint: 'last' })).adapter).to.equal(last)
      }))

  it('may name the base model elsewhere', () =>
    withFolder(async (folder) => {
      const { run, best } = await trained(folder)
      await edited({ base_model_name_or_path: '/elsewhere' })(join(best, 'adapter_config.json'))
      expect((await findModel(run)).adapter).to.equal(best)
      await continueRun(run)
    }))

  it('of another run are refused, and those of an equal run are not', () =>
    withFolder(async (folder) => {
      const { run, last } = await trained(join(folder, 'a'))
      const others: Readonly<Record<string, object>> = {
        'of another seed': { seed: 5 },
        'of another learning rate': { learning_rate: 0.5 },
        'with plasticity': { plastic: {} },
      }
      for (const [what, config] of Object.entries(others)) {
        const other = await trained(join(folder, what), config)
        rmSync(last, { recursive: true })
        cpSync(other.last, last, { recursive: true })
        const says = /checkpoints\/last is not a checkpoint of .*run, but of a run with other options/
        expect(await userError(() => continueRun(run)), what).to.match(says)
        expect(await userError(() => findModel(run, { checkpoint: 'last' })), what).to.match(says)
      }
      const equal = await trained(join(folder, 'b'))
      rmSync(last, { recursive: true })
      cpSync(equal.last, last, { recursive: true })
      await continueRun(run)
    }))

  it('may be those of the next checkpoint, while it takes its place file by file', () =>
    withFolder(async (folder) => {
      const { run, best, last } = await trained(folder, { eval_steps: 2 })
      cpSync(last, join(folder, 'old'), { recursive: true })
      await continueRun(run, undefined, { changes: { max_steps: 4, learning_rate: 0.1 } })
      const files = ['adapter_model.safetensors', 'adapter_config.json', 'optimizer.safetensors']
      for (const moved of [[], files.slice(0, 1), files.slice(1), files, [...files, 'trainer_state.json']]) {
        const ready = join(run, 'checkpoints', '.best.ready')
        cpSync(last, ready, { recursive: true })
        rmSync(best, { recursive: true })
        cpSync(join(folder, 'old'), best, { recursive: true })
        for (const name of moved) renameSync(join(ready, name), join(best, name))
        expect((await findModel(run)).adapter).to.equal(best)
        rmSync(ready, { recursive: true })
      }
    }))
})

describe('a run whose last checkpoint is not there', () => {
  const bytes = (run: string) =>
    ['last/adapter_model.safetensors', 'last/optimizer.safetensors', 'last/trainer_state.json']
      .flatMap((name) => [name, name.replace('last', 'best')])
      .map((name) => readFileSync(join(run, 'checkpoints', name), 'base64'))
      .concat(readFileSync(join(run, 'log.jsonl'), 'utf8'))

  const absences: Readonly<Record<string, (last: string) => void>> = {
    absent: () => undefined,
    empty: (last) => mkdirSync(last),
  }
  for (const [how, make] of Object.entries(absences))
    for (const steps of [4, 2])
      it(`goes on from the best one, and ends the same: ${how}, to step ${steps}`, () =>
        withFolder(async (folder) => {
          const [whole, cut] = [join(folder, 'a'), join(folder, 'b')]
          const config = { eval_steps: 1, learning_rate: 1e-3, max_steps: steps }
          const expected = await trained(whole, config)
          const { run } = await createTinyRun(cut, rows, { threads: 1, ...config })
          const stop = new Error('stopped')
          // Killed between the best and the last checkpoint of step 2.
          const killed = continueRun(run, {
            evaluation({ step }) {
              if (step === 2) mkdirSync(join(run, 'checkpoints', '.last.new', 'x'), { recursive: true })
            },
            step({ step }) {
              if (step === 3) throw stop
            },
          }).catch((error: unknown) => error)
          const failed = await killed
          if (steps > 2) expect(failed).to.equal(stop)
          const last = join(run, 'checkpoints', 'last')
          rmSync(last, { recursive: true })
          make(last)
          const notes: string[] = []
          await continueRun(run, { note: (sentence) => void notes.push(sentence) })
          expect(notes[0]).to.match(/last is gone, so the run goes on from .*best, of step 2$/)
          expect(bytes(run)).to.deep.equal(bytes(expected.run))
        }))

  const places: Readonly<Record<string, (checkpoints: string) => void>> = {
    'a file': (at) => (rmSync(join(at, 'last'), { recursive: true }), writeFileSync(join(at, 'last'), '')),
    'a link to nowhere': (at) => {
      rmSync(join(at, 'last'), { recursive: true })
      symlinkSync('/nowhere/last', join(at, 'last'))
    },
    'a link of all checkpoints to nowhere': (at) => {
      rmSync(at, { recursive: true })
      symlinkSync('/nowhere/checkpoints', at)
    },
  }
  for (const [what, put] of Object.entries(places))
    it(`does not begin anew where there is ${what}`, () =>
      withFolder(async (folder) => {
        const { run } = await trained(folder)
        const log = readFileSync(join(run, 'log.jsonl'), 'utf8')
        put(join(run, 'checkpoints'))
        const { code, stderr } = await runHere(folder, 'resume', 'run', 'max_steps=4')
        expect(stderr).to.match(/checkpoints\S* is (no folder|a link to a folder that is not there).*; /)
        expect(code).to.equal(2)
        expect(readFileSync(join(run, 'log.jsonl'), 'utf8')).to.equal(log)
      }))
})

describe("a run's manifest", () => {
  const manifests: Readonly<Record<string, readonly [edit: (manifest: Manifest) => object, says: RegExp]>> = {
    'another scale of the adapters': [
      ({ lora }) => ({ lora: { ...(lora as object), lora_alpha: 80 } }),
      /ortune\.json: lora\.lora_alpha is 80, and 8 by training\.json/,
    ],
    'no adapters': [() => ({ lora: 'full' }), /ortune\.json: lora is "full"/],
    'plastic blocks': [
      () => ({
        npt: { rank: 2, modulation_scale: 1, init_scale: 1, layers: 'all', attention_residual: true },
      }),
      /ortune\.json: npt/,
    ],
    'another optimizer': [
      ({ optimizer }) => ({ optimizer: { ...optimizer, weight_decay: 0.5 } }),
      /ortune\.json: optimizer\.weight_decay is 0\.5, and 0/,
    ],
    'a plastic update': [
      () => ({
        plastic: { plasticity_lr: 1, gamma: 0.5, beta: 0.5, lambda_decay: 0, third_factor: 'none' },
      }),
      /ortune\.json: plastic/,
    ],
    'another seed': [() => ({ seed: 9 }), /ortune\.json: seed is 9, and 42 by/],
    'no digests': [() => ({ files: {} }), /ortune\.json is damaged, as its files lack config\.json/],
    'no key of digests': [() => ({ files: undefined }), /ortune\.json is damaged, as its files lack/],
    ...Object.fromEntries(
      ['training_model.onnx', 'tokenizer.json', 'data/train.arrow', 'checkpoint.safetensors'].map((name) => [
        `no digest of ${name}`,
        [
          ({ files }: Manifest) => ({ files: { ...files, [name]: undefined } }),
          new RegExp(`files lack ${name}`),
        ],
      ]),
    ),
  }
  it('is that of its configuration and its files, or nothing goes on', () =>
    withFolder(async (folder) => {
      const { run } = await trained(folder)
      const path = join(run, 'ortune.json')
      const sound = readFileSync(path, 'utf8')
      for (const [what, [edit, says]] of Object.entries(manifests)) {
        await edited(edit(JSON.parse(sound) as Manifest))(path)
        expect(await userError(() => continueRun(run)), what).to.match(says)
        writeFileSync(path, sound)
      }
      unseal(run)
      await edited({ files: undefined })(path)
      await continueRun(run)
    }))
})

import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { readTensors } from '../../src/formats/safetensors.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { runHere } from '../cli/run_cli.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { poke } from '../formats/poke.ts'
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
      const { files, ...state } = JSON.parse(readFileSync(path, 'utf8')) as { files: object }
      expect(Object.keys(files)).to.deep.equal(['adapter_model.safetensors', 'optimizer.safetensors'])
      writeFileSync(path, JSON.stringify(state))
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
        for (const command of [
          ['generate', 'run', '--prompt', 'a fox'],
          ['generate', 'run/checkpoints/best', '--prompt', 'a fox'],
          ['evaluate', 'run'],
          ['merge', 'run', '--out', 'merged'],
        ]) {
          const { code, stderr } = await runHere(folder, ...command)
          expect(stderr, command.join(' ')).to.match(says)
          expect(code).to.equal(2)
        }
        expect(existsSync(join(folder, 'merged'))).to.equal(false)
        await (await openGenerator(run, { checkpoint: 'last' })).release()
      }))
})

import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { GenerationDefaults } from '../../src/formats/generation_config.ts'
import { diskFiles } from '../../src/formats/disk_files.ts'
import { readGenerationConfig, withoutDefaults } from '../../src/formats/generation_config.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { newTokensWith, samplingWith } from '../../src/generation/defaults.ts'
import { samplingDistribution } from '../../src/generation/sampling.ts'
import { createTokenGenerator } from '../../src/generation/token_generator.ts'
import { openModelDecoder } from '../../src/models/open_token_generator.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import { runHere } from '../cli/run_cli.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { fixture } from '../graphs/gpt2_fixtures.ts'
import { writeTinyModel } from '../tiny_model.ts'

const stored = async <T>(name: string): Promise<T> =>
  JSON.parse(await readFile(join(import.meta.dirname, '..', 'fixtures', 'model_folders', name), 'utf8')) as T

interface Stored {
  readonly prompt: readonly number[]
  readonly cases: readonly {
    readonly config: object
    readonly generation_config: object | null
    readonly max_new_tokens: number | null
    readonly tokens: readonly number[]
  }[]
}

/** The fixtures' model with other values in config.json, and this generation_config.json or none. */
async function changedModel(folder: string, config: object, generation: object | null): Promise<string> {
  const model = join(folder, 'model')
  await cp(fixture('model'), model, { recursive: true })
  const path = join(model, 'config.json')
  const known = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, JSON.stringify({ ...known, ...config }))
  const own = join(model, 'generation_config.json')
  if (generation) await writeFile(own, JSON.stringify(generation))
  else await rm(own)
  return model
}

/** What a model folder's files say about writing. */
const readWith = (config: object, generation: object | null = null) =>
  withFolder(async (folder) =>
    readGenerationConfig(diskFiles(await changedModel(folder, config, generation))),
  )

describe('generation_config.json', () => {
  it("writes as transformers' generate does by the folder's own files", async () => {
    const { prompt, cases } = await stored<Stored>('generation.json')
    for (const { config, generation_config, max_new_tokens, tokens } of cases) {
      await withFolder(async (folder) => {
        const model = await changedModel(folder, config, generation_config)
        const { decoder, facts, ...opened } = await openModelDecoder({ base: model })
        const generator = createTokenGenerator({
          decoder,
          context: facts.context,
          tokenizer: { eosId: 96 } as Tokenizer,
          config: await readGenerationConfig(diskFiles(model)),
          release: () => opened.release(),
        })
        const options = {
          ...samplingWith(generator.config),
          max_new_tokens: max_new_tokens ?? newTokensWith(generator.config, prompt.length, facts.context, 1),
          seed: 1,
        }
        const [written] = await generator.generate([prompt], options)
        expect(written, JSON.stringify({ config, generation_config })).to.deep.equal(tokens)
        await generator.release()
      })
    }
  })

  it('keeps what min-p keeps of a distribution, as transformers does', async () => {
    const { logits, cases } = await stored<{
      readonly logits: readonly number[]
      readonly cases: readonly { readonly options: object; readonly probabilities: readonly number[] }[]
    }>('min_p.json')
    for (const { options, probabilities } of cases) {
      const all = { temperature: 1, top_k: 0, top_p: 1, ...options }
      samplingDistribution(Float32Array.from(logits), all).forEach((p, i) =>
        expect(p, `${JSON.stringify(options)} at ${i}`).to.be.closeTo(probabilities[i]!, 1e-6),
      )
    }
  })

  it('takes ends of text from generation_config.json, else from config.json, one or several', async () => {
    const ends = async (config: object, generation: object | null = null) =>
      (await readWith(config, generation)).endsOfText
    expect(await ends({ eos_token_id: 9 })).to.deep.equal([9])
    expect(await ends({ eos_token_id: [9, 8] })).to.deep.equal([9, 8])
    expect(await ends({ eos_token_id: null })).to.deep.equal([])
    expect(await ends({ eos_token_id: -1 })).to.deep.equal([])
    expect(await ends({ eos_token_id: 9 }, { eos_token_id: [7, 6] })).to.deep.equal([7, 6])
    expect(await ends({ eos_token_id: [9, 8] }, { eos_token_id: 7 })).to.deep.equal([7])
    expect(await ends({ eos_token_id: 9 }, {})).to.deep.equal([9])
    expect(await ends({ eos_token_id: 9 }, { eos_token_id: null })).to.deep.equal([9])
    expect(await userError(() => readWith({}, { eos_token_id: 'end' }))).to.match(
      /generation_config\.json: eos_token_id: /,
    )
  })

  it('reads a configuration with several ends of text, or with a padding of −1', async () => {
    await withFolder(async (folder) => {
      const model = await changedModel(folder, { eos_token_id: [9, 8], pad_token_id: -1 }, null)
      expect(await readModelConfig(model)).to.deep.include({ eos_token_id: [9, 8], pad_token_id: null })
    })
  })

  it('says what it does not follow, and passes over values that do nothing', async () => {
    const idle = { num_beams: 1, typical_p: 1, guidance_scale: null, bad_words_ids: [], min_length: 0 }
    const asked = { num_beams: 4, suppress_tokens: [3], stop_strings: 'end', temperature: 0, top_k: -1 }
    expect((await readWith({}, { ...idle, max_length: 20 })).unfollowed).to.deep.equal({})
    expect((await readWith({}, { ...idle, ...asked })).unfollowed).to.deep.equal(asked)
    expect((await readWith({}, { max_length: 20 })).defaults).to.deep.equal({})
  })

  it('puts what is given before what the folder says, and that before what a command does by itself', () => {
    const ofFolder = (defaults: GenerationDefaults) => ({ defaults })
    const chat = { do_sample: true, temperature: 0.7, top_k: 0, top_p: 0.9, repetition_penalty: 1 }
    expect(samplingWith(ofFolder({ repetition_penalty: 1.3 }), {}, chat)).to.deep.equal({
      ...chat,
      repetition_penalty: 1.3,
    })
    // What describes random draws is one whole.
    expect(samplingWith(ofFolder({ temperature: 0.4 }), { top_p: 0.5 }, chat)).to.deep.equal({
      ...{ do_sample: true, temperature: 0.4, top_k: 0, top_p: 0.5, repetition_penalty: 1 },
    })
    expect(samplingWith(ofFolder({ do_sample: true, top_k: 50 }), { do_sample: false }).do_sample).to.equal(
      false,
    )
    expect(newTokensWith(ofFolder({ max_new_tokens: 500 }), 10, 64, 60)).to.equal(54)
    expect(newTokensWith(ofFolder({ max_length: 30 }), 10, 64, 60)).to.equal(20)
    expect(newTokensWith(ofFolder({}), 63, 64, 60)).to.equal(1)
    const config = { endsOfText: [1], defaults: { top_k: 2 }, unfollowed: { num_beams: 2 } }
    expect(withoutDefaults(config)).to.deep.equal({ endsOfText: [1], defaults: {}, unfollowed: {} })
  })

  it("takes transformers' own top-k where the file draws and names none", async () => {
    expect((await readWith({}, { do_sample: true })).defaults).to.deep.equal({ do_sample: true, top_k: 50 })
    expect((await readWith({}, { do_sample: true, top_k: 0 })).defaults.top_k).to.equal(0)
  })

  it('is said by `ortune generate`, followed where no option is given, and left aside on demand', async () => {
    await withFolder(async (folder) => {
      const model = join(folder, 'model')
      await writeTinyModel(model)
      const path = join(model, 'generation_config.json')
      const known = JSON.parse(await readFile(path, 'utf8')) as object
      const own = { repetition_penalty: 1.5, max_new_tokens: 5, num_beams: 3, temperature: 0.5 }
      await writeFile(path, JSON.stringify({ ...known, ...own }))
      const write = async (...options: string[]) => {
        const { code, stdout, stderr } = await runHere(
          folder,
          'generate',
          'model',
          '--prompt',
          'a',
          '--json',
          ...options,
        )
        expect(code, stderr).to.equal(0)
        return { result: JSON.parse(stdout) as Record<string, never>, stderr }
      }
      const { result, stderr } = await write()
      expect(stderr).to.match(/generation_config\.json: repetition_penalty 1\.5, max_new_tokens 5\n/)
      expect(stderr).to.match(/asks for num_beams 3, which is not followed\n/)
      expect(result['generation_config']).to.deep.equal({
        taken: { repetition_penalty: 1.5, max_new_tokens: 5 },
        unfollowed: { num_beams: 3 },
      })
      expect(result['sampling']).to.deep.include({ do_sample: false, repetition_penalty: 1.5 })
      const given = await write('--repetition-penalty', '1', '--max-new-tokens', '4', '--top-k', '3')
      expect(given.result['sampling']).to.deep.include({
        ...{ do_sample: true, temperature: 0.5, top_k: 3, repetition_penalty: 1 },
      })
      const aside = await write('--no-generation-config')
      expect(aside.result['sampling']).to.deep.include({ repetition_penalty: 1 })
      expect(aside.stderr).to.not.match(/generation_config/)
    })
  })
})

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { expect } from 'chai'
import fc from 'fast-check'
import { build } from 'vite'
import { z } from 'zod'

import { smallZod, withoutJsonSchemas } from '../../page/lighter.ts'
import * as whole from './schemas.ts'

const pocket = join(import.meta.dirname, '..', '..', 'artifacts', 'pocket')
const readJson = async (file: string) => JSON.parse(await readFile(join(pocket, file), 'utf8')) as object

/** A value with some of its parts, at any depth, replaced by others or left out, and some added. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  const other = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      '',
      'gelu',
      'gelu_new',
      'mean',
      'full',
      [],
      [1],
      ['c_attn'],
      {},
      { r: 4 },
    ),
    fc.constantFrom<unknown>(-1, 0, 1, 2, 0.5, 1e-46, 1e39, Infinity, NaN, 2 ** 53, { content: 'x' }, [
      'c_attn',
      3,
    ]),
    fc.jsonValue({ maxDepth: 1 }),
  )
  const same = fc.constant(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fc.oneof({ weight: 12, arbitrary: same }, { weight: 1, arbitrary: other })
  const parts = Object.entries(value).map(([key, part]) =>
    fc.oneof({ weight: 12, arbitrary: changed(part).map((now) => [[key, now]]) }, fc.constant([])),
  )
  const inside = fc
    .tuple(...parts)
    .map((all) => Object.fromEntries(all.flat() as [string, unknown][]) as unknown)
  const more = fc.tuple(inside, fc.constantFrom('other', 'r', 'task'), other)
  const added = more.map(([now, key, extra]) => ({ ...(now as object), [key]: extra }))
  return fc.oneof(
    { weight: 9, arbitrary: inside },
    { weight: 1, arbitrary: added },
    { weight: 1, arbitrary: other },
  )
}

/** What comes of it, or is said of it. */
function outcome(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

describe('the zod of the page', function () {
  this.timeout(60_000)
  let small: typeof whole
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-zod-'))
    await build({
      ...{ configFile: false, logLevel: 'error', plugins: [smallZod, withoutJsonSchemas] },
      build: {
        outDir: folder,
        minify: false,
        lib: { entry: join(import.meta.dirname, 'schemas.ts'), formats: ['es'] },
      },
    })
    // zod's editions share it in one process; the small one must set it by itself.
    z.config({ localeError: undefined })
    small = (await import(pathToFileURL(join(folder, 'ortune.js')).href)) as typeof whole
    expect(z.config().localeError).to.be.a('function')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** @param known values of which variations are tried */
  const alike = (known: readonly unknown[], ask: (schemas: typeof whole, value: unknown) => unknown) => {
    const said = new Set<unknown>()
    fc.assert(
      fc.property(fc.oneof(...known.map(changed)), (value) => {
        const expected = outcome(() => ask(whole, value))
        said.add(typeof expected)
        expect(outcome(() => ask(small, value))).to.deep.equal(expected)
      }),
      { numRuns: 1500 },
    )
    expect([...said], 'values and sentences').to.include.members(['object', 'string'])
  }

  it('takes the same settings and says the same of others (property)', async () => {
    const model = whole.parseModelConfig(await readJson('config.json'), 'config.json')
    const defaults = whole.learningSchema.parse({})
    const tasks = [
      { dpo: { beta: 0.1, loss_type: 'sigmoid' } },
      { ppo: { reward: { function: 'mine' }, batch_size: 8, mini_batch_size: 4 } },
      { ppo: { reward: { metric: 'rouge' }, max_new_tokens: 8 } },
      { kto: { beta: 0.2 } },
      { grpo: { reward_funcs: [{ metric: 'exact_match' }, { pattern: '^a' }], reward_weights: [1, 2] } },
      { rloo: { reward_funcs: [{ function: 'mine' }], reward_clip_range: [-1, 1] } },
      { classification: {} },
      { orpo: {} },
      { simpo: {} },
    ].map((options) => ({ ...options, task: Object.keys(options)[0], max_steps: 3 }))
    const known = [{ ...defaults, lora: { r: 4, lora_alpha: 8, target_modules: ['c_attn'] } }, ...tasks]
    alike(known, ({ tabSettings }, value) => tabSettings(value as object, model, 'the model'))
  })

  it('reads the same files of models and adapters, and says the same of others (property)', async () => {
    const bert = {
      model_type: 'bert',
      vocab_size: 9,
      hidden_size: 4,
      num_hidden_layers: 1,
      num_attention_heads: 2,
    }
    const sizes = {
      intermediate_size: 8,
      max_position_embeddings: 16,
      type_vocab_size: 2,
      hidden_act: 'gelu',
    }
    const llamas = await Promise.all(
      ['llama', 'gemma3_text'].map(async (type) => {
        const path = join(import.meta.dirname, '../fixtures/llama', type, 'config.json')
        return JSON.parse(await readFile(path, 'utf8')) as object
      }),
    )
    alike([await readJson('config.json'), { ...bert, ...sizes }, ...llamas], ({ parseModelConfig }, value) =>
      parseModelConfig(value, 'config.json'),
    )
    const peft = { peft_type: 'LORA', r: 8, lora_alpha: 16, target_modules: ['c_attn'], fan_in_fan_out: true }
    alike([{ ...peft, bias: 'none', lora_dropout: 0, use_rslora: false }], ({ parsePeftConfig }, value) =>
      parsePeftConfig(value, 'adapter_config.json'),
    )
    const tokenizer = {
      ...(await readJson('tokenizer.json')),
      model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
    }
    alike([tokenizer], ({ checkTokenizerJson }, value) => checkTokenizerJson(value, 'tokenizer.json'))
    const named = {
      eos_token: '<|endoftext|>',
      unk_token: { content: '<unk>', lstrip: true },
      model_max_length: 9,
    }
    alike([named], ({ effectiveTokenizer }, value) =>
      effectiveTokenizer(tokenizer, value, 'tokenizer_config.json'),
    )
  })
})

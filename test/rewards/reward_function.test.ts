import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { UserError } from '../../src/errors.ts'
import { sentenceBleu } from '../../src/metrics/bleu.ts'
import { meteor } from '../../src/metrics/meteor.ts'
import { rouge } from '../../src/metrics/rouge.ts'
import type { RewardSample } from '../../src/rewards/reward_sample.ts'
import type { RewardSource } from '../../src/rewards/reward_source.ts'
import { rewardSourceSchema } from '../../src/rewards/reward_source.ts'
import { openRewardFunction } from '../../src/models/open_reward.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'

const samples: readonly RewardSample[] = [
  {
    prompt: 'Word: cat ;',
    response: ' a small animal that purrs<|endoftext|>',
    references: [' a small pet'],
  },
  { prompt: 'Word: sea ;', response: ' water', references: [' a large body of water', 'salt water '] },
]

const score = async (source: RewardSource, given = samples): Promise<number[]> => {
  const reward = await openRewardFunction(source)
  try {
    return await reward.score(given)
  } finally {
    await reward.release()
  }
}

/** Scores with a module of this text. */
const scoreBy = (text: string, given = samples) =>
  withFolder(async (folder) => {
    const path = join(folder, 'reward.ts')
    await writeFile(path, text)
    return score({ function: path }, given)
  })

describe('reward functions', () => {
  it('may be a TypeScript function, sync or not, that sees prompt, response and references', async () => {
    expect(
      await scoreBy(`
        interface Sample { prompt: string; response: string; references: string[] }
        export default (samples: Sample[]): number[] =>
          samples.map(({ prompt, response, references }) =>
            prompt.length + (response.endsWith('<|endoftext|>') ? 100 : 0) + 1000 * references.length)`),
    ).to.deep.equal([1111, 2011])
    expect(await scoreBy('export default async (s) => s.map((_, i) => i)')).to.deep.equal([0, 1])
    expect(await scoreBy('export default (s) => Float32Array.from(s, () => 0.5)')).to.deep.equal([0.5, 0.5])
  })

  it('may lie in a package of CommonJS, with ending and syntax as they come', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'package.json'), '{}')
      const text =
        'enum Score { fixed = 3 }; export default (s: unknown[]): number[] => s.map(() => Score.fixed)'
      for (const name of ['reward.ts', 'reward.cts', 'reward.mts']) {
        const path = join(folder, name)
        await writeFile(path, text)
        expect(await score({ function: path }), name).to.deep.equal([3, 3])
      }
    }))

  const mistakes: Record<string, [text: string, message: RegExp]> = {
    'throws for a sample': [
      `export default (s) => s.map(({ response }) => { if (response === ' water') throw new Error('too wet\\nat sea'); return 1 })`,
      /failed on the response " water" to the prompt "Word: sea ;": too wet$/,
    ],
    'throws for a batch only': [
      `export default (s) => { if (s.length > 1) throw 'one by one'; return [1] }`,
      /failed on 2 samples together: one by one$/,
    ],
    rejects: [
      `export default async () => { throw new Error('offline') }`,
      /failed on the response " a small/,
    ],
    'gives NaN': [`export default () => [1, NaN]`, /gave NaN for the response " water" to .* finite number$/],
    'gives an infinity': [`export default () => [-Infinity, 1]`, /gave -Infinity for the response " a small/],
    'gives what no mean can hold': [
      `export default () => [1e308, 1]`,
      /gave 1e\+308 for .* between -1e\+30 and 1e\+30$/,
    ],
    'empties what it is given': [
      `export default (s) => { s.length = 0; return [] }`,
      /gave 0 scores for 2 samples/,
    ],
    'empties it and throws': [
      `export default (s) => { s.length = 0; throw new Error('no') }`,
      /failed on the response " a small/,
    ],
    'gives a text': [`export default () => [1, '2']`, /gave "2" for the response " water"/],
    'gives a BigInt': [`export default () => [1n, 2]`, /gave 1n for the response " a small/],
    'gives a Symbol': [
      `export default () => [Symbol('s'), 2]`,
      /gave Symbol\(s\) for the response " a small/,
    ],
    'gives a function': [`export default () => [1, () => 2]`, /gave a function for the response " water"/],
    'throws what has no text': [
      `export default () => { throw Object.create(null) }`,
      /failed on the response " a small .*: it threw an object without a message$/,
    ],
    'throws an error without text': [
      `export default () => { throw Object.assign(new Error(), { message: 5 }) }`,
      /failed on the response " a small .*: 5$/,
    ],
    'gives too few': [
      `export default () => [1]`,
      /gave one score for 2 samples, the first of them the response " a/,
    ],
    'gives one number for all': [`export default () => 3`, /gave 3 for 2 samples; return a list/],
    'gives nothing': [`export default () => {}`, /gave nothing for 2 samples; return a list/],
    'is no function': [`export default { score: 1 }`, /exports object as its default; export a function$/],
    'is no default': [`export const reward = () => [1]`, /has no default export/],
    'is no TypeScript': [
      `export default (`,
      /cannot be loaded: Transform failed with 1 error: .*reward\.ts:1:\d+: ERROR: /,
    ],
    'fails while loading': [`throw new Error('no key')`, /cannot be loaded: no key$/],
  }
  for (const [what, [text, message]] of Object.entries(mistakes))
    it(`is told about in one sentence that names file and sample where it ${what}`, async () => {
      const error = await rejection(scoreBy(text))
      expect(error).to.be.instanceOf(UserError)
      expect(error.message).to.match(message)
      expect(error.message).to.match(/^the reward function \S+reward\.ts /)
      expect(error.message).not.to.include('\n')
    })

  const changes: Record<string, [change: string, message: RegExp]> = {
    'replaces JSON.stringify': ['JSON.stringify = () => "{}"', /replaces JSON\.stringify, which all code/],
    'replaces Math.random': ['Math.random = () => 0.5', /replaces Math\.random/],
    'replaces Date.now': ['Date.now = () => 0', /replaces Date\.now/],
    'replaces Date': ['globalThis.Date = class extends Date {}', /replaces Date,/],
    'replaces fetch': ['globalThis.fetch = () => { throw new Error("offline") }', /replaces fetch/],
    'replaces a method': ['Array.prototype.map = () => []', /replaces Array\.prototype\.map/],
    'takes one away': ['delete String.prototype.trim', /replaces String\.prototype\.trim/],
    'adds to every object': ['Object.prototype.colour = "red"', /adds colour to Object\.prototype/],
    'adds what defining a property looks at': [
      'Object.prototype.get = () => 1',
      /adds get to Object\.prototype/,
    ],
    'adds it and throws': ['Object.prototype.colour = 1; throw 1', /adds colour to Object\.prototype/],
  }
  for (const [what, [change, message]] of Object.entries(changes))
    it(`is told about, and undone, where it ${what}`, async () => {
      const look = () => [
        ...[JSON.stringify, Math.random, Date.now, Date, fetch],
        ...[Reflect.get(Array.prototype, 'map'), Reflect.get(String.prototype, 'trim')],
      ]
      const before = look()
      for (const text of [
        // The loader of TypeScript needs its methods while it loads.
        ...(/prototype\.(map|trim)/.test(change) ? [] : [`${change}; export default (s) => s.map(() => 1)`]),
        `export default () => { ${change}; return [1, 1] }`,
        `export default async () => { await null; ${change}; return [1, 1] }`,
      ]) {
        const error = await rejection(scoreBy(text))
        expect(error).to.be.instanceOf(UserError)
        expect(error.message).to.match(/^the reward function \S+reward\.ts /)
        expect(error.message).to.match(message)
        expect(look()).to.deep.equal(before)
        for (const name of ['colour', 'get']) expect(Reflect.ownKeys(Object.prototype)).not.to.include(name)
      }
    })

  it('leaves the working directory and the exit code as they were', async () => {
    const [folder, code] = [process.cwd(), process.exitCode]
    for (const text of [
      `export default (s) => { process.chdir('/'); process.exitCode = 7; return s.map(() => 1) }`,
      `process.chdir('/'); process.exitCode = 7; export default (s) => s.map(() => 1)`,
    ])
      expect(await scoreBy(text)).to.deep.equal([1, 1])
    expect([process.cwd(), process.exitCode]).to.deep.equal([folder, code])
  })

  it('may add to what is there, as a polyfill does, without being met by loops over keys', async () => {
    try {
      expect(
        await scoreBy(
          'Array.prototype.ortuneLast = function () { return this.at(-1) }; export default (s) => [s.ortuneLast(), 2].map(() => 2)',
        ),
      ).to.deep.equal([2, 2])
      const met: string[] = []
      const list: object = ['one']
      for (const key in list) met.push(key)
      expect(met).to.deep.equal(['0'])
    } finally {
      Reflect.deleteProperty(Array.prototype, 'ortuneLast')
    }
  })

  it('is missed where its file is not there', async () => {
    const error = await rejection(score({ function: 'nowhere/reward.ts' }))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.equal(
      'the reward function nowhere/reward.ts is missing; give the path of a file',
    )
    const inFolder = await rejection(withFolder((folder) => score({ function: folder })))
    expect(inFolder).to.be.instanceOf(UserError)
    expect(inFolder.message).to.match(
      / is a folder; give the path of a file, or name a reward model's folder as model$/,
    )
  })

  it('may be a metric against the best reference, without end of text and white space around', async () => {
    const [first, second] = ['a small animal that purrs', 'water']
    const references = ['a large body of water', 'salt water']
    for (const name of ['rouge1', 'rouge2', 'rougeL'] as const) {
      const best = Math.max(...references.map((text) => rouge(second, text)[name].fmeasure))
      expect(await score({ metric: name })).to.deep.equal([rouge(first, 'a small pet')[name].fmeasure, best])
    }
    expect(await score({ metric: 'bleu' })).to.deep.equal([
      sentenceBleu(first, ['a small pet']).score / 100,
      sentenceBleu(second, references).score / 100,
    ])
    expect(await score({ metric: 'meteor' })).to.deep.equal([
      meteor(first, ['a small pet']),
      meteor(second, references),
    ])
    const perfect = [{ prompt: 'x', response: ' salt water<|endoftext|>', references }]
    expect(await score({ metric: 'rougeL' }, perfect)).to.deep.equal([1])
  })

  it('has no use for a metric without references', async () => {
    const error = await rejection(score({ metric: 'rouge1' }, [{ ...samples[0]!, references: [] }]))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(
      /^the metric rouge1 has nothing to compare the response .* "Word: cat ;" with/,
    )
  })

  it('is chosen by exactly one of three keys', () => {
    for (const source of [{ model: 'runs/reward' }, { metric: 'bleu' }, { function: 'reward.ts' }])
      expect(rewardSourceSchema.parse(source)).to.deep.equal(source)
    for (const source of [{}, 'bleu', { metric: 'blue' }, { model: 'm', metric: 'bleu' }]) {
      const { success, error } = rewardSourceSchema.safeParse(source)
      expect(success).to.equal(false)
      expect(error!.issues[0]!.message).to.match(/^it must say where scores come from/)
    }
  })
})

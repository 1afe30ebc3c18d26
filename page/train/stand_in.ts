/** Plays the worker while the page is made. @module */
import { expose } from 'comlink'

import type { TabLogRecord } from '../../src/web.ts'
import type {
  AdapterEntry,
  Examined,
  ModelFacts,
  Preference,
  RunEntry,
  Workshop,
} from '../worker/workshop.ts'

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const facts = (id: string): ModelFacts => ({
  id,
  name: id.split('/')[1]!,
  family: 'GPT-2',
  parameters: 3_500_000,
  layers: 6,
  width: 192,
  context: 256,
  vocabulary: 4096,
  writes: true,
})
const runs: RunEntry[] = []
const logs = new Map<string, TabLogRecord[]>()
const adapters: AdapterEntry[] = []
let preferences: Preference[] = []
let paused = false
let stopped = false
const kept: string[] = []
let sandbox: MessagePort | undefined
const fail = (message: string) => Object.assign(new Error(message), { name: 'UserError' })
const words =
  'a light in a transparent protective case that is carried by hand at night or when it is dark and the road is long'.split(
    ' ',
  )

const workshop: Workshop = {
  start: async () => ({
    provider: 'wasm',
    threads: 2,
    keeps: true,
    room: { used: 14e6, of: 9.6e9 },
    notes: ['this browser has no WebGPU, so the model computes in WebAssembly'],
  }),
  room: async () => ({ used: 14e6 + runs.length * 1e6, of: 9.6e9 }),
  models: async () => [
    { id: 'served/pocket', name: 'pocket', kept: false, bytes: 14_028_072 },
    ...kept.map((name) => ({ id: `kept/${name}`, name, kept: true, bytes: 50e6 })),
  ],
  async openModel(id, progress) {
    for (let i = 0; i <= 10; i++) {
      progress?.(i * 1.4e6, 14e6)
      await wait(30)
    }
    return facts(id)
  },
  async addModel(name, files) {
    if (!files.some((file) => file.name === 'config.json'))
      throw fail(
        'these files have no config.json, so they are not the folder of a model; choose a folder with config.json, tokenizer.json and model.safetensors',
      )
    kept.push(name)
    return facts(`kept/${name}`)
  },
  removeModel: async () => void kept.pop(),
  async examine(source, task): Promise<Examined> {
    await wait(100)
    const text = await source.blob.text()
    const lines = text.trim().split('\n')
    const columns = lines[0]!.split(',')
    if (columns.length < 1 || source.name.endsWith('.png')) throw fail(`${source.name} is no table`)
    const rows = lines
      .slice(1)
      .map((line) => Object.fromEntries(line.split(',').map((cell, i) => [columns[i] ?? `c${i}`, cell])))
    const piece = (text: string, loss: boolean) =>
      (text.match(/\s*\S{1,5}/g) ?? []).map((part) => ({ text: part, loss }))
    return {
      rows: rows.length,
      columns,
      template: { prompt: 'Word: {{ word }} ; Definition:', completion: ' {{ definition }}<|endoftext|>' },
      sample: rows.slice(0, 8),
      examples: rows.slice(0, 4).map((row, i) => ({
        label: task === 'dpo' ? (i % 2 ? 'rejected' : 'chosen') : task === 'classification' ? 'noun' : '',
        pieces: [
          ...piece(`Word: ${Object.values(row)[0]} ; Definition:`, task === 'classification'),
          ...(task === 'classification' ? [] : piece(` ${Object.values(row)[1]}`, true)),
        ],
      })),
      train: Math.round(rows.length * 0.9),
      validation: Math.round(rows.length * 0.1),
      tokens: 1834,
      longest: 41,
      classes: task === 'classification' ? ['adjective', 'adverb', 'noun', 'verb'] : [],
      notes: ['2 rows have no definition and are left out'],
    }
  },
  runs: async () => [...runs],
  async createRun({ name, task, settings, reward }) {
    if (runs.some((run) => run.name === name))
      throw fail(`there is a run called ${name} already; remove it, or choose another name`)
    const run: RunEntry = {
      name,
      model: 'served/pocket',
      task,
      step: 0,
      steps: (settings as { max_steps: number }).max_steps,
      state: 'new',
      settings,
      reward,
    }
    runs.push(run)
    logs.set(name, [])
    return run
  },
  async train(name, watcher) {
    paused = false
    const at = runs.findIndex((run) => run.name === name)
    const log = logs.get(name)!
    watcher.start?.({ totalSteps: runs[at]!.steps, fromStep: runs[at]!.step })
    for (let step = runs[at]!.step + 1; step <= runs[at]!.steps && !paused; step++) {
      await wait(60)
      const loss = 4 * Math.exp(-step / 20) + 1 + Math.random() * 0.2
      const record = {
        step,
        epoch: step / 8,
        loss,
        grad_norm: 1,
        learning_rate: 1e-3,
        tokens: 400,
        accuracy: 1 - loss / 6,
        'rewards/accuracies': 1 - loss / 6,
        'env/reward_mean': 1 - loss / 6,
        'objective/kl': step / 20,
      }
      log.push(record)
      watcher.step?.(record)
      if (runs[at]!.task === 'ppo')
        watcher.responses?.([
          {
            prompt: 'Word: lantern ; Definition:',
            response: ` ${words.slice(step % 9, 12).join(' ')}`,
            score: 1 - loss / 6,
          },
        ])
      if (step % 10 === 0) {
        const e = {
          step,
          epoch: step / 8,
          eval_loss: loss + 0.1,
          eval_accuracy: 1 - loss / 6,
          'eval_rewards/accuracies': 1 - loss / 6,
          eval_reward: 1 - loss / 6,
          eval_kl: step / 20,
          best: true,
        }
        log.push(e)
        watcher.evaluation?.(e)
      }
      runs[at] = { ...runs[at]!, step, state: step === runs[at]!.steps ? 'finished' : 'stopped' }
    }
    return runs[at]!
  },
  pause: async () => {
    paused = true
  },
  log: async (name) => logs.get(name) ?? [],
  removeRun: async (name) =>
    void runs.splice(
      runs.findIndex((run) => run.name === name),
      1,
    ),
  adapters: async () => [...adapters],
  async keepAdapter(run, name) {
    const entry: AdapterEntry = {
      name,
      model: 'served/pocket',
      rank: 8,
      modules: ['c_attn', 'c_proj'],
      bytes: 410_000,
      head: run.startsWith('part'),
    }
    adapters.push(entry)
    return entry
  },
  async addAdapter(name) {
    const e: AdapterEntry = { name, model: null, rank: 4, modules: ['c_attn'], bytes: 200_000, head: false }
    adapters.push(e)
    return e
  },
  removeAdapter: async (name) =>
    void adapters.splice(
      adapters.findIndex((a) => a.name === name),
      1,
    ),
  adapterZip: async () => new Blob(['zip']),
  mergedZip: async () => new Blob(['zip']),
  async write({ writer, max_new_tokens, seed, temperature }, onText) {
    stopped = false
    let text = ''
    let tokens = 0
    for (let i = 0; i < Math.min(max_new_tokens, 22) && !stopped; i++) {
      await wait(25)
      const piece = ` ${words[(i * (writer.kind === 'model' ? 5 : 1) + (temperature > 0 ? seed : 0)) % words.length]}`
      text += piece
      tokens++
      onText?.(piece)
    }
    return { text, tokens, seconds: 0.6, swap: writer.kind === 'model' ? 0 : 3.4 }
  },
  stopWriting: async () => {
    stopped = true
  },
  classify: async () =>
    [
      ['noun', 0.71],
      ['verb', 0.2],
      ['adjective', 0.06],
      ['adverb', 0.03],
    ].map(([name, probability]) => ({ name: name as string, probability: probability as number })),
  preferences: async () => preferences,
  keepPreferences: async (all) => {
    preferences = [...all]
  },
  async connectSandbox(port) {
    sandbox = port
  },
  tryReward: (reward, samples) =>
    new Promise((resolve, reject) => {
      sandbox!.onmessage = ({ data }: MessageEvent<{ scores?: number[]; error?: string }>) =>
        data.scores
          ? resolve(data.scores)
          : reject(fail(`the reward function fails: ${data.error}; change it, and try it on two samples`))
      sandbox!.postMessage({ id: 1, reward, samples })
    }),
}
expose(workshop)

/**
 * The graphs of every task, on models of a few hundred weights.
 * @module
 */
import type { FloatType } from '../../graphs/ir/dtype.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import type { Pooling } from '../../graphs/layers/pooling.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { GraphRequest } from '../../graphs/models/graph_request.ts'
import type { Head } from '../../graphs/models/head.ts'
import { TASK_NAMES, taskNamed } from '../../src/tasks/index.ts'
import { tinyBert } from './tiny_bert.ts'
import { adapters, tiny } from './tiny_gpt2.ts'
import { tinyLlama } from './tiny_llama.ts'

export const npt = {
  rank: 3,
  modulation_scale: 0.7,
  init_scale: 0.5,
  layers: 'all',
  attention_residual: true,
} as const
const bertAdapters = { ...adapters, target_modules: ['query', 'value'] }
/** Not on q and k, whose gradients are differences of near numbers, of which 16 bits hold few digits. */
const llamaAdapters = { ...adapters, target_modules: ['v_proj', 'gate_proj'] }

export interface TaskGraphsCase {
  readonly title: string
  readonly graphs: (
    dtype: FloatType,
  ) => Promise<{ readonly training: () => Graph; readonly evaluation: () => Graph }>
}

/** Every task of every family that it knows, with adapters, whole, and with plastic blocks. */
export const everyTask = (pooling: Pooling): readonly TaskGraphsCase[] =>
  TASK_NAMES.flatMap((name) => {
    const task = taskNamed(name)
    const options = task.graphOptions.parse(name === 'ppo' ? { reward: { metric: 'rougeL' } } : {})
    const pooled = { pooling, dropout: 0.1 }
    const heads: Record<Head['kind'], Head> = {
      language: { kind: 'language' },
      score: { kind: 'score', ...pooled },
      classes: { kind: 'classes', classes: ['a', 'b', 'c'], ...pooled },
      labels: { kind: 'labels', classes: ['a', 'b', 'c'], ...pooled },
      values: { kind: 'values', classes: ['a', 'b', 'c'], ...pooled },
    }
    const head = heads[task.head]
    const of = (
      title: string,
      config: ModelConfig,
      what: Pick<GraphRequest, 'lora' | 'npt'>,
    ): TaskGraphsCase => ({
      title: `${name}, ${title}${head.kind === 'language' ? '' : `, pooling ${pooling}`}`,
      graphs: async (dtype) =>
        (await task.work()).graphs({ config, stored: undefined, dtype, ...what }, options, head),
    })
    const { plasticBlocks } = task.refuses
    const whole = plasticBlocks === 'needed' ? [] : (['full', 'lora'] as const)
    return [
      ...whole.map((what) =>
        of(`GPT-2, ${what}`, tiny, { lora: what === 'full' ? what : adapters, npt: null }),
      ),
      ...(head.kind === 'language'
        ? []
        : whole.map((what) =>
            of(`BERT, ${what}`, tinyBert, { lora: what === 'full' ? what : bertAdapters, npt: null }),
          )),
      ...(plasticBlocks === 'needed'
        ? []
        : [of('Llama, lora', tinyLlama, { lora: llamaAdapters, npt: null })]),
      ...(plasticBlocks === 'refused'
        ? []
        : [
            of('plastic blocks', tiny, { lora: 'none', npt }),
            of('plastic blocks of Llama', tinyLlama, { lora: 'none', npt }),
          ]),
    ]
  })

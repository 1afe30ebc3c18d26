/**
 * `checkpointed_step.ts <every> <lora or full>`: prints by how many MiB a training step of a small GPT-2 raises the peak memory of this process, with
 * gradient checkpointing every so many blocks, 0 for none. Linux only.
 * @module
 */

import { checkpointed } from '../../graphs/checkpointing.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { languageModelShapes } from '../../graphs/models/language_model.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { peakMemory } from '../peak_memory.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const [BATCH, LENGTH] = [2, 256]
const config = { ...tiny, n_layer: 12, n_embd: 64, n_head: 4, n_inner: 256, n_positions: LENGTH }
const given = { ...adapters, target_modules: ['c_attn'] }
const lora = process.argv[3] === 'full' ? 'full' : given
const every = Number(process.argv[2])
const graph = sftTrainingGraph({ config, lora })
const session = await openNodeSession(serialize(every > 0 ? checkpointed(graph, every) : graph), {
  threads: 1,
})
const shapes = languageModelShapes(config)
const adapted = lora === 'full' ? [] : loraParameterShapes(shapes, lora)
const weights = weightFeeds(new Map([...shapes, ...adapted]), 'float32')

const int64 = (shape: number[], at: (i: number) => number) =>
  toHost(
    constant(
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => at(i)),
    ),
    'int64',
  )
const feeds = (length: number): Feeds => ({
  input_ids: int64([BATCH, length], (i) => i % config.vocab_size),
  attention_mask: int64([BATCH, length], () => 1),
  position_ids: int64([BATCH, length], (i) => i % length),
  label_positions: int64([1], () => length - 1),
  labels: int64([1], () => 3),
  label_weights: toHost(constant([1], [1]), 'float32'),
  ...weights,
  ...(lora === 'full' ? {} : loraScale(2)),
})
const MEBIBYTE = 2 ** 20

await session.run(feeds(2))
const before = peakMemory()
await session.run(feeds(LENGTH))
process.stdout.write(`${(peakMemory() - before) / MEBIBYTE}\n`)
process.exit()

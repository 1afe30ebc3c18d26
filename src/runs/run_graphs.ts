/**
 * The graphs of a run, and which tensors it trains.
 * @module
 */
import { LOSS_SCALE } from '../../graphs/autodiff.ts'
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { backboneShapes } from '../../graphs/models/encoder.ts'
import type { Head } from '../../graphs/models/head.ts'
import { isPooled } from '../../graphs/models/head.ts'
import { adapterScale } from '../../graphs/models/lora_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import { UserError } from '../errors.ts'
import type { Precision } from '../formats/precision.ts'
import { precisionType } from '../formats/precision.ts'
import { initialLossScale } from '../learning/loss_scale.ts'
import type { TaskName } from '../tasks/index.ts'
import { taskNamed } from '../tasks/index.ts'

/** What is trained; a manifest says it. */
export interface Trained {
  readonly task: TaskName
  /** The task's options that its graphs depend on. */
  readonly options: object
  readonly head: Head
  readonly lora: Adaptation
  /** Plastic blocks, which are trained; the model itself is then frozen (`lora` none). */
  readonly npt: NptConfig | null
  /** Whether the backward pass computes blocks once more, each or so many together from one input; see `checkpointed`. */
  readonly gradient_checkpointing?: boolean | number | undefined
  /** What the graphs compute in; absent: fp32. */
  readonly precision?: Precision | undefined
}

/** What graphs are fed at every step beside batches and trained tensors; the loss scale is the one to begin with. */
export const constantsOf = ({ lora, precision }: Pick<Trained, 'lora' | 'precision'>) => ({
  ...(typeof lora === 'string' ? {} : { lora_scale: adapterScale(lora) }),
  ...(precision === 'fp16' ? { [LOSS_SCALE]: initialLossScale.scale } : {}),
})

export interface RunGraphs {
  /** The tensors that training changes, in the order of the graphs' inputs. */
  readonly trainable: ParameterShapes
  /** The model's tensors that stay as they are. */
  readonly frozen: ParameterShapes
  readonly training: () => Graph
  readonly evaluation: () => Graph
}

/** The parameters of a model below its head: with a head on a pooled vector not those of a language model's. */
export const bodyShapes = (config: ModelConfig, head: Head): ParameterShapes =>
  isPooled(head) ? backboneShapes(config) : ownShapes(config)

/**
 * The graphs of a task on a model.
 *
 * @param stored where each frozen parameter lies in the model's weight file
 * @throws UserError for a LoRA target that matches nothing, or where nothing is left to train
 */
export async function runGraphs(
  { task: name, options, head, lora, npt, gradient_checkpointing = false, precision }: Trained,
  config: ModelConfig,
  stored: ReadonlyMap<string, ExternalData>,
): Promise<RunGraphs> {
  const task = taskNamed(name)
  if (npt && lora !== 'none')
    throw new UserError('plastic blocks learn on a frozen model; leave either npt or lora out')
  if (lora === 'none' && !npt && task.refuses.frozen !== undefined) throw new UserError(task.refuses.frozen)
  const work = await task.work()
  const request = { config, lora, npt, stored, dtype: precisionType(precision) }
  const graphs = orUserError(() => work.graphs(request, options, head))
  const learning = orUserError(() => work.graphs({ ...request, noise: {} }, options, head))
  const recomputed = await recomputing(gradient_checkpointing)
  return {
    trainable: orUserError(graphs.trainable),
    frozen: lora === 'full' ? new Map() : bodyShapes(config, head),
    training: () => orUserError(() => recomputed(learning.training())),
    evaluation: () => orUserError(graphs.evaluation),
  }
}

async function recomputing(blocks: boolean | number): Promise<(training: Graph) => Graph> {
  if (blocks === false) return (training) => training
  const { checkpointed } = await import('../../graphs/checkpointing.ts')
  // `true` is 1.
  return (training) => checkpointed(training, Number(blocks))
}

function orUserError<T>(build: () => T): T {
  try {
    return build()
  } catch (error) {
    throw error instanceof UserError ? error : new UserError((error as Error).message)
  }
}

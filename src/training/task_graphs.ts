/**
 * The graphs of each task, and which tensors it trains.
 * @module
 */
import { evaluationGraph, trainableShapes, trainingGraph } from '../../graphs/artifacts/causal_lm.ts'
import {
  classificationEvaluationGraph,
  classificationShapes,
  classificationTrainingGraph,
} from '../../graphs/artifacts/classification.ts'
import {
  consolidationEvaluationGraph,
  consolidationTrainingGraph,
} from '../../graphs/artifacts/consolidation.ts'
import {
  equivalenceEvaluationGraph,
  equivalenceShapes,
  equivalenceTrainingGraph,
} from '../../graphs/artifacts/equivalence.ts'
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import { backboneShapes } from '../../graphs/models/classifier.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import type { ClassificationHead, ConsolidationConfig, EquivalenceConfig } from '../formats/manifest.ts'

/** What is trained; a manifest says it. */
export interface TaskFacts {
  readonly lora: Adaptation
  /** Of a classifier; null for a language model. */
  readonly head: ClassificationHead | null
  /** Plastic blocks, which are trained; the model itself is then frozen (`lora` none). */
  readonly npt?: NptConfig | null
  /** Of NPT's phase 1, in place of a supervised task. */
  readonly equivalence?: EquivalenceConfig | null
  /** Of NPT's phase 3, likewise. */
  readonly consolidation?: ConsolidationConfig | null
}

export interface TaskGraphs {
  /** The tensors that training changes, in the order of the graphs' inputs. */
  readonly trainable: ParameterShapes
  /** The model's tensors that stay as they are. */
  readonly frozen: ParameterShapes
  readonly training: () => Graph
  readonly evaluation: () => Graph
}

/**
 * The graphs of a task on a model.
 *
 * @param stored where each frozen parameter lies in the model's weight file
 * @throws UserError for a LoRA target that matches nothing
 */
export function taskGraphs(
  { lora, head, npt = null, equivalence = null, consolidation = null }: TaskFacts,
  config: Gpt2Config,
  stored: ReadonlyMap<string, ExternalData>,
): TaskGraphs {
  const model = head ? backboneShapes(config) : gpt2ParameterShapes(config)
  const frozen: ParameterShapes = lora === 'full' ? new Map() : model
  if (npt && lora !== 'none')
    throw new UserError('plastic blocks learn on a frozen model; leave either npt or lora out')
  if (equivalence) {
    if (!npt) throw new UserError('task equivalence trains plastic blocks; describe them under npt')
    const task = { ...equivalence, config, npt, stored }
    return {
      trainable: orUserError(() => equivalenceShapes(task)),
      frozen,
      training: () => orUserError(() => equivalenceTrainingGraph(task)),
      evaluation: () => orUserError(() => equivalenceEvaluationGraph(task)),
    }
  }
  if (consolidation) {
    if (!npt) throw new UserError('task consolidation trains plastic blocks; describe them under npt')
    const task = { ...consolidation, config, npt, stored }
    return {
      trainable: orUserError(() => nptShapes(config, npt)),
      frozen,
      training: () => consolidationTrainingGraph(task),
      evaluation: () => consolidationEvaluationGraph(task),
    }
  }
  if (head) {
    const task = { ...head, config, lora, npt, stored, classes: head.classes.length }
    return {
      trainable: orUserError(() => classificationShapes(task)),
      frozen,
      training: () => classificationTrainingGraph(task),
      evaluation: () => classificationEvaluationGraph(task),
    }
  }
  if (lora === 'none' && !npt)
    throw new UserError('lora "none" trains a head alone, and task sft has no head; leave it out')
  const task = { config, lora, npt, stored }
  return {
    trainable: orUserError(() => trainableShapes(task)),
    frozen,
    training: () => trainingGraph(task),
    evaluation: () => evaluationGraph(task),
  }
}

function orUserError<T>(build: () => T): T {
  try {
    return build()
  } catch (error) {
    throw new UserError((error as Error).message)
  }
}

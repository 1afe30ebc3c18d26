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
import { dpoEvaluationGraph, dpoShapes, dpoTrainingGraph } from '../../graphs/artifacts/dpo.ts'
import {
  equivalenceEvaluationGraph,
  equivalenceShapes,
  equivalenceTrainingGraph,
} from '../../graphs/artifacts/equivalence.ts'
import { ppoEvaluationGraph, ppoShapes, ppoTrainingGraph } from '../../graphs/artifacts/ppo.ts'
import { rewardEvaluationGraph, rewardShapes, rewardTrainingGraph } from '../../graphs/artifacts/reward.ts'
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { backboneShapes, isBert } from '../../graphs/models/encoder.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import type { ClassificationHead, Manifest } from '../formats/manifest.ts'

/** What is trained; a manifest says it. */
export interface TaskFacts {
  readonly lora: Adaptation
  /** Of a classifier; null for a language model. */
  readonly head: ClassificationHead | null
  /** Plastic blocks, which are trained; the model itself is then frozen (`lora` none). */
  readonly npt?: NptConfig | null
  /** Of NPT's phase 1, in place of a supervised task. */
  readonly equivalence?: Manifest['equivalence']
  /** Of NPT's phase 3, likewise. */
  readonly consolidation?: Manifest['consolidation']
  /** Of a reward model, whose head has one class. */
  readonly reward?: Manifest['reward']
  readonly dpo?: Manifest['dpo']
  readonly ppo?: Manifest['ppo']
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
  { lora, head, npt = null, equivalence, consolidation, reward, dpo, ppo }: TaskFacts,
  config: EncoderConfig,
  stored: ReadonlyMap<string, ExternalData>,
): TaskGraphs {
  if (npt && lora !== 'none')
    throw new UserError('plastic blocks learn on a frozen model; leave either npt or lora out')
  const frozen = (model: ParameterShapes): ParameterShapes => (lora === 'full' ? new Map() : model)
  if (head && reward) {
    const task = { ...head, ...reward, config, lora, stored }
    return {
      trainable: orUserError(() => rewardShapes(task)),
      frozen: frozen(backboneShapes(config)),
      training: () => rewardTrainingGraph(task),
      evaluation: () => rewardEvaluationGraph(task),
    }
  }
  if (head) {
    const task = { ...head, config, lora, npt, stored, classes: head.classes.length }
    return {
      trainable: orUserError(() => classificationShapes(task)),
      frozen: frozen(backboneShapes(config)),
      training: () => classificationTrainingGraph(task),
      evaluation: () => classificationEvaluationGraph(task),
    }
  }
  if (isBert(config)) throw new UserError('a BERT reads texts and writes none; name a GPT-2, or train a head')
  if (equivalence) {
    if (!npt) throw new UserError('task equivalence trains plastic blocks; describe them under npt')
    const task = { ...equivalence, config, npt, stored }
    return {
      trainable: orUserError(() => equivalenceShapes(task)),
      frozen: frozen(gpt2ParameterShapes(config)),
      training: () => orUserError(() => equivalenceTrainingGraph(task)),
      evaluation: () => orUserError(() => equivalenceEvaluationGraph(task)),
    }
  }
  if (consolidation) {
    if (!npt) throw new UserError('task consolidation trains plastic blocks; describe them under npt')
    const task = { ...consolidation, config, npt, stored }
    return {
      trainable: orUserError(() => nptShapes(config, npt)),
      frozen: frozen(gpt2ParameterShapes(config)),
      training: () => consolidationTrainingGraph(task),
      evaluation: () => consolidationEvaluationGraph(task),
    }
  }
  if (lora === 'none' && !npt)
    throw new UserError('lora "none" trains a head alone, and task sft has no head; leave it out')
  if (dpo) {
    const task = { config, lora, stored, dpo }
    return {
      trainable: orUserError(() => dpoShapes(task)),
      frozen: frozen(gpt2ParameterShapes(config)),
      training: () => dpoTrainingGraph(task),
      evaluation: () => dpoEvaluationGraph(task),
    }
  }
  if (ppo) {
    const task = { config, lora, stored, ppo }
    return {
      trainable: orUserError(() => ppoShapes(task)),
      frozen: frozen(gpt2ParameterShapes(config)),
      training: () => ppoTrainingGraph(task),
      evaluation: () => ppoEvaluationGraph(task),
    }
  }
  const task = { config, lora, npt, stored }
  return {
    trainable: orUserError(() => trainableShapes(task)),
    frozen: frozen(gpt2ParameterShapes(config)),
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

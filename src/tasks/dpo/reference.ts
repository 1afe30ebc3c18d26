/**
 * Where the reference of a run comes from: the model that training starts from, or one of its own. What it says of the run's
 * data is measured once and kept with the run as `reference_logps`, `train` and `validation` [pairs, 2].
 * @module
 */
import { factsOf } from '../../../graphs/models/family.ts'
import type { DataSet } from '../../data/sets/data_set.ts'
import { UserError } from '../../errors.ts'
import { preparing } from '../../learning/interrupted.ts'
import { adaptersOff } from '../../runtime/feeds.ts'
import type { Session, Tensors } from '../../runtime/session.ts'
import type { Beginning, GraphRequest, Host, KeptTensors, OpenModel, OpenRun, RunFacts } from '../task.ts'
import type { Graph } from '../../../graphs/ir/graph.ts'
import type { Reference } from './dpo.ts'
import { measured, measureReference, withoutAdapters } from './dpo.ts'

/** What options say of a reference. */
export interface ReferenceOptions {
  readonly ref_model: string | null
  readonly precompute_ref_log_probs: boolean
}

const KEPT = 'reference_logps'

/** The training and the validation data of a run. */
export interface RunSplits<T> {
  readonly train: T
  readonly validation: T
}

/**
 * Checks that a reference can be had, before anything is computed.
 *
 * @param key the task's name
 * @throws UserError where it cannot
 */
export async function checkReference(
  { options, lora, host }: Pick<Beginning<ReferenceOptions>, 'options' | 'lora' | 'host'>,
  key: string,
): Promise<void> {
  const { ref_model, precompute_ref_log_probs } = options
  if (ref_model !== null) await host.checkModel(ref_model, `${key}.ref_model`)
  if (precompute_ref_log_probs) return
  if (ref_model !== null || lora === 'full') {
    const remedy = ref_model === null ? 'train adapters' : 'leave ref_model out'
    throw new UserError(
      `${key}.precompute_ref_log_probs=false takes the policy without its adapters for the reference; ${remedy}, or leave it out`,
    )
  }
}

/** How a reference is opened: its graph, and the option that names it. */
export interface ReferenceGraph {
  readonly key: string
  readonly build: (request: GraphRequest) => Graph
}

/** A run in training, whose policy is open or not. */
interface TrainingRun
  extends ReferenceRun, Pick<OpenRun<unknown>, 'trainData' | 'validationData' | 'listeners' | 'signal'> {
  readonly host: Pick<Host, 'openModel' | 'kept'>
  /** Without its adapters the policy is the model that training starts from. */
  readonly policy?: Pick<OpenRun<unknown>, 'evaluation' | 'parameters'>
}

/**
 * What a policy in training is held to: measured once and kept, or asked anew each time.
 *
 * @throws Interrupted where the run is told to stop before all is measured
 */
export async function trainingReference(
  run: TrainingRun,
  graph: ReferenceGraph,
): Promise<RunSplits<Reference>> {
  const { options, policy, trainData, validationData } = run
  if (!options.precompute_ref_log_probs) {
    if (!policy) throw new Error('a reference that is asked anew is the policy without its adapters')
    const reference = withoutAdapters(policy.evaluation, policy.parameters)
    return { train: reference, validation: reference }
  }
  const { kept } = run.host
  const data = { train: trainData, validation: validationData }
  const known = fitting(await kept.read(KEPT), data)
  if (known) return known
  const datasets = [trainData, validationData]
  const onPairs = preparing(run, 'the reference has read pairs')
  const [train, validation] = (await measure(run, graph, datasets, { policy, onPairs })) as [
    Float32Array,
    Float32Array,
  ]
  const tensor = (logps: Float32Array) => ({ shape: [logps.length / 2, 2], data: logps })
  const tensors = new Map([
    ['train', tensor(train)],
    ['validation', tensor(validation)],
  ])
  await kept.write(KEPT, { tensors, metadata: { data: trainData.fingerprint } })
  return { train: measured(train), validation: measured(validation) }
}

/** What was kept, where it is of this data. */
function fitting(
  kept: KeptTensors | undefined,
  { train, validation }: RunSplits<DataSet>,
): RunSplits<Reference> | undefined {
  const [first, second] = [kept?.tensors.get('train')?.data, kept?.tensors.get('validation')?.data]
  const fits =
    kept?.metadata['data'] === train.fingerprint &&
    first?.length === train.size &&
    second?.length === validation.size
  return fits ? { train: measured(first), validation: measured(second) } : undefined
}

/**
 * What the reference of a run says of a data set, such as its test data.
 *
 * @throws UserError where the reference cannot be opened
 */
export async function referenceOf(
  run: ReferenceRun,
  graph: ReferenceGraph,
  dataset: DataSet,
): Promise<Reference> {
  const [logps] = await measure(run, graph, [dataset], {})
  return measured(logps!)
}

interface ReferenceRun extends Pick<RunFacts, 'lora'> {
  readonly options: ReferenceOptions
  readonly settings: Pick<RunFacts['settings'], 'per_device_eval_batch_size'>
  readonly host: Pick<Host, 'openModel'>
}

interface MeasureOptions {
  readonly policy?: TrainingRun['policy'] | undefined
  /** Called with the pairs that have been measured and with all there are. */
  readonly onPairs?: (done: number, total: number) => void
}

/** Opens the reference where that is needed, measures, and releases it, so that it is not in memory beside the policy. */
async function measure(
  { options: { ref_model }, settings, lora, host }: ReferenceRun,
  { key, build }: ReferenceGraph,
  datasets: readonly DataSet[],
  { policy, onPairs }: MeasureOptions,
): Promise<Float32Array[]> {
  const total = datasets.reduce((sum, { size }) => sum + size / 2, 0)
  let done = 0
  const options = {
    batchSize: settings.per_device_eval_batch_size,
    onPairs: (pairs: number) => onPairs?.((done += pairs), total),
  }
  const measureAll = async (session: Session, parameters: Tensors) => {
    const results: Float32Array[] = []
    for (const dataset of datasets)
      results.push(await measureReference(session, parameters, dataset, options))
    return results
  }
  if (policy && ref_model === null && lora !== 'full')
    return measureAll(policy.evaluation, adaptersOff(policy.parameters))
  const reference = await host.openModel(ref_model, `${key}.ref_model`, build)
  try {
    for (const dataset of datasets) checkFits(reference, dataset, key)
    return await measureAll(reference.session, reference.parameters)
  } finally {
    await reference.session.release()
  }
}

/**
 * @param key the task's name
 * @throws UserError where a reference cannot read a data set
 */
export function checkFits({ config }: OpenModel, dataset: DataSet, key: string): void {
  const [context, vocabulary] = [factsOf(config).context, config.vocab_size]
  const longest = dataset.lengths.reduce((most, length) => Math.max(most, length), 0)
  if (longest > context)
    throw new UserError(
      `${key}.ref_model reads ${context} tokens but the data has answers that end at token ${longest}; lower max_length`,
    )
  if (dataset.vocabularySize > vocabulary)
    throw new UserError(
      `${key}.ref_model has ${vocabulary} tokens but the data was made with ${dataset.vocabularySize}; name a model with the policy's vocabulary`,
    )
}

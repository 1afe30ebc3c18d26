/**
 * Where the reference of a run comes from: the model that training starts from, or one of its own. It is open as long as
 * training goes on, since every step asks it of prompts and completions that only that step puts together.
 * @module
 */
import { factsOf } from '../../../graphs/models/family.ts'
import type { DataSet } from '../../data/sets/data_set.ts'
import { adaptersOff } from '../../runtime/feeds.ts'
import { checkFits } from '../dpo/reference.ts'
import type { OpenRun, RunFacts } from '../task.ts'
import type { LogProbabilities } from './kto.ts'
import { logProbabilitiesOf } from './kto.ts'
import type { KtoOptions } from './options.ts'
import { evaluationGraph } from './graphs.ts'

export interface OpenReference {
  readonly logProbabilities: LogProbabilities
  /** Most tokens that it reads. */
  readonly context: number
  release(): Promise<void>
}

interface ReferenceRun extends Pick<RunFacts, 'config' | 'lora' | 'host'> {
  readonly options: KtoOptions
}

/**
 * Opens the reference of a run.
 *
 * @param datasets what it is to read
 * @param policy an open one, which without its adapters is the model that training starts from
 * @throws UserError where it is no language model, or cannot read the data
 */
export async function openReference(
  { options, config, lora, host }: ReferenceRun,
  datasets: readonly DataSet[],
  policy?: Pick<OpenRun<unknown>, 'evaluation' | 'parameters'>,
): Promise<OpenReference> {
  const { ref_model } = options
  if (policy && ref_model === null && lora !== 'full') {
    return {
      logProbabilities: logProbabilitiesOf(policy.evaluation, adaptersOff(policy.parameters)),
      context: factsOf(config).context,
      release: () => Promise.resolve(),
    }
  }
  const opened = await host.openModel(ref_model, 'kto.ref_model', evaluationGraph(options))
  const release = () => opened.session.release()
  try {
    for (const dataset of datasets) checkFits(opened, dataset, 'kto')
  } catch (error) {
    await release()
    throw error
  }
  return {
    logProbabilities: logProbabilitiesOf(opened.session, opened.parameters),
    context: factsOf(opened.config).context,
    release,
  }
}

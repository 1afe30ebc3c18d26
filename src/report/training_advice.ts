/**
 * What a run's numbers say that a beginner may not see, while it goes on: a sentence each, once, and none where all is well.
 * @module
 */
import type { EvaluationRecord, Listener, StepRecord } from '../learning/listeners.ts'
import { HIGHEST_RATE } from '../learning/options.ts'
import { moments } from '../metrics/moments.ts'

export interface AdviceFacts {
  readonly learningRate: number
  /** Of the whole model. */
  readonly parameters: number
  /** False where the loss is no measure of what is learned, as PPO's. */
  readonly lossTells?: boolean
  /** Share of the validation rows that are right without having learned: of the largest class, or half of the pairs. */
  readonly chance?: number
  /** Rows of the validation data. */
  readonly validationRows: number
}

export interface RunSoFar {
  readonly totalSteps: number
  readonly steps: readonly StepRecord[]
  /** That before training too, whose step is 0. */
  readonly evaluations: readonly EvaluationRecord[]
}

/** Steps that are compared at the beginning and at the end of a stretch. */
const STRETCH = 20

/** Which step the loss is looked at after: a tenth of the run, but two stretches at least. */
export const firstLook = (totalSteps: number): number => Math.max(3 * STRETCH, Math.ceil(totalSteps / 10))

/** Below it, a model writes and tells apart little. */
const SMALL = 5e7

/** Whether the loss moves; to be asked after {@link firstLook}. */
export function lossAdvice({ steps }: RunSoFar, { learningRate }: AdviceFacts): string | undefined {
  if (steps.length < 2 * STRETCH) return undefined
  const losses = steps.map(({ loss }) => loss)
  const [before, after] = [moments(losses.slice(0, STRETCH)), moments(losses.slice(-STRETCH))]
  // The standard error of the difference of two means.
  const error = Math.sqrt((before.variance + after.variance) / STRETCH)
  const fall = before.mean - after.mean
  const seen = `the mean loss of ${STRETCH} steps was ${number(before.mean)} at first and is ${number(after.mean)} after ${steps.length} steps`
  const [rate, higher, lower] = [learningRate, 5 * learningRate, learningRate / 5].map(short)
  if (fall < -3 * error && fall < -0.05 * Math.abs(before.mean))
    return `The loss rises: ${seen}. The learning rate ${rate} is likely too high; try learning_rate=${lower}.`
  if (fall < 2 * error && fall < 0.02 * Math.abs(before.mean)) {
    const why =
      fall < 0 || 5 * learningRate > HIGHEST_RATE
        ? `may be too high or too low`
        : `may be too low, such as for learning_rate=${higher} to be tried`
    return `The loss hardly moves: ${seen}. The learning rate ${rate} ${why}, or the data has nothing new to teach.`
  }
  return undefined
}

/** Whether the validation loss has turned; to be asked after an evaluation. */
export function validationAdvice({ evaluations, totalSteps }: RunSoFar): string | undefined {
  const last = evaluations.at(-1)
  if (evaluations.length < 3 || !last) return undefined
  const best = evaluations.reduce((least, one) => (one.eval_loss < least.eval_loss ? one : least))
  const since = evaluations.slice(evaluations.indexOf(best) + 1)
  const rose = last.eval_loss > best.eval_loss + 0.01 * Math.abs(best.eval_loss)
  if (since.length < 2 || !rose) return undefined
  const seen = `it was ${number(best.eval_loss)} ${best.step === 0 ? 'before training' : `at step ${best.step}`} and is ${number(last.eval_loss)} at step ${last.step}`
  return best.step === 0
    ? `The validation loss is worse than before training: ${seen}. Lower the learning rate, or see whether both splits are of one kind.`
    : `The validation loss rises: ${seen}. The model learns the training data by heart${last.step < totalSteps ? ', and going on is likely no use' : ''}; take checkpoints/best, and next time fewer steps, more data, or early_stopping_patience=2.`
}

/** Whether the model is too small for what it was to learn; to be asked after the last evaluation. */
export function sizeAdvice(
  { evaluations, totalSteps, steps }: RunSoFar,
  { parameters, chance, validationRows }: AdviceFacts,
): string | undefined {
  const last = evaluations.at(-1)
  if (last?.step !== totalSteps || steps.length < 100) return undefined
  const size = `${number(parameters / 1e6)} million parameters`
  const accuracy = last['eval_accuracy'] ?? last['eval_rewards/accuracies']
  if (accuracy !== undefined && chance !== undefined) {
    const error = Math.sqrt((chance * (1 - chance)) / Math.max(1, validationRows))
    if (accuracy > chance + 2 * error) return undefined
    const small =
      parameters < SMALL
        ? `a model of ${size} is small for this, so try a larger one`
        : 'try a higher learning rate'
    return `Nothing to speak of was learned: ${accuracy.toFixed(3)} of the validation rows are right, and ${chance.toFixed(3)} are without learning; ${small}, more data or more steps.`
  }
  const perplexity = last['eval_perplexity']
  if (perplexity === undefined || perplexity < 20 || parameters > SMALL) return undefined
  return `The model is small for these texts: with ${size} it reaches a perplexity of ${number(perplexity)}, and will write their form and little of their sense; the smallest GPT-2 has 124 million.`
}

const number = (value: number): string => String(Number(value.toPrecision(3)))
const short = (rate: number): string => Number(rate.toPrecision(2)).toExponential()

export interface TrainingAdviser {
  readonly listener: Listener
  /** So far. */
  readonly said: readonly string[]
}

/** Watches a run and says what is to be said, each kind once. */
export function trainingAdviser(facts: AdviceFacts, say: (advice: string) => void): TrainingAdviser {
  const said = new Map<unknown, string>()
  const steps: StepRecord[] = []
  const evaluations: EvaluationRecord[] = []
  let totalSteps = 0
  let whole = true
  const tell = (kind: unknown, advice: string | undefined): void => {
    if (advice === undefined || said.has(kind)) return
    said.set(kind, advice)
    say(advice)
  }
  const soFar = (): RunSoFar => ({ totalSteps, steps, evaluations })
  return {
    listener: {
      start(plan) {
        totalSteps = plan.totalSteps
        // Of a run that is resumed the beginning is not seen, which all is compared with.
        whole = plan.fromStep === 0
      },
      step(record) {
        steps.push(record)
        if (whole && facts.lossTells !== false && steps.length === firstLook(totalSteps))
          tell(lossAdvice, lossAdvice(soFar(), facts))
      },
      evaluation(record) {
        evaluations.push(record)
        tell(validationAdvice, validationAdvice(soFar()))
        tell(sizeAdvice, sizeAdvice(soFar(), facts))
      },
    },
    get said() {
      return [...said.values()]
    },
  }
}

/**
 * A training state in the memory of a device, where the optimizer's graphs update it: a step moves a few numbers between host and
 * device, and no tensor.
 * @module
 */
import { adamwGraph } from '../../graphs/optimizers/adamw.ts'
import { plasticUpdateGraph } from '../../graphs/optimizers/plastic.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import { add } from '../../graphs/ops/index.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { UserError } from '../errors.ts'
import { createCopier } from './copier.ts'
import { createLazySessions } from './lazy_sessions.ts'
import type { Runtime } from './runtime.ts'
import { deviceMemory } from './session.ts'
import type { DeviceTensor, HostTensor, Session, Tensors } from './session.ts'
import type {
  OptimizerSlot,
  OptimizerStep,
  PlasticStep,
  Slot,
  StateOptions,
  TrainingState,
} from './training_state.ts'
import { remedyAt } from './training_state.ts'

type DeviceTensors = Record<string, DeviceTensor>

/** What the graphs' inputs are called after a tensor's name. */
const SUFFIX: Readonly<Record<Slot, string>> = {
  parameter: '',
  exp_avg: '_exp_avg',
  exp_avg_sq: '_exp_avg_sq',
  eligibility: '_eligibility',
}

/** @param open opens a graph on the device */
export function createDeviceState(
  open: Runtime['open'],
  shapes: ParameterShapes,
  { accumulate = false, traced = new Set() }: StateOptions = {},
): TrainingState {
  const names = [...shapes.keys()]
  const matrices = names.filter((name) => traced.has(name))
  const zerosOf = (some: readonly string[], suffix: string): DeviceTensors =>
    Object.fromEntries(some.map((name) => [name + suffix, zeros(shapes.get(name)!)]))
  const slots = (name: string): readonly OptimizerSlot[] =>
    traced.has(name) ? ['exp_avg', 'exp_avg_sq', 'eligibility'] : ['exp_avg', 'exp_avg_sq']

  const parameters = zerosOf(names, '')
  const moments = { ...zerosOf(names, '_exp_avg'), ...zerosOf(names, '_exp_avg_sq') }
  const traces = zerosOf(matrices, '_eligibility')
  const kept: DeviceTensors = { ...parameters, ...moments, ...traces }
  const gradients = zerosOf(names, '_grad')
  const sums = accumulate ? zerosOf(names, '_grad') : {}
  let summed = 0

  const copier = createCopier((model) => open(model, { name: 'a copy' }))
  const sessions = createLazySessions()
  /** Graphs have the settings of a step as constants; those of a run stay the same. */
  const session = (name: string, settings: object, build: () => Graph): Promise<Session> =>
    sessions.get(`${name} ${JSON.stringify(settings)}`, () => open(serialize(build()), { name }))

  /** Runs a graph whose outputs `<tensor>_new` replace `<tensor>`, where its other outputs are as they should be. */
  async function replace(
    graph: Session,
    feeds: Tensors,
    tensors: DeviceTensors,
    approve: (others: Readonly<Record<string, HostTensor>>) => boolean = () => true,
  ): Promise<Readonly<Record<string, HostTensor>>> {
    const replaced = Object.keys(tensors).filter((name) => graph.outputNames.includes(`${name}_new`))
    const fresh = Object.fromEntries(replaced.map((name) => [`${name}_new`, nowhere(tensors[name]!.dims)]))
    const others = await graph.run(feeds, { into: fresh })
    if (approve(others)) for (const name of replaced) swap(tensors[name]!, fresh[`${name}_new`]!)
    Object.values(fresh).forEach(release)
    return others
  }

  /** The gradients of the step. */
  const stepGradients = () => (summed > 0 ? sums : gradients)

  async function adamw(settings: OptimizerStep): Promise<number> {
    const { learningRate, step, beta1, beta2, epsilon, weightDecay, maxGradNorm = null } = settings
    const config = { beta1, beta2, epsilon, weight_decay: weightDecay, max_grad_norm: maxGradNorm }
    const graph = await session('the optimizer', config, () => adamwGraph(shapes, config))
    const feeds = {
      ...{ ...parameters, ...moments, ...stepGradients() },
      ...{ learning_rate: scalar(learningRate), step: scalar(step) },
    }
    const norm = (others: Readonly<Record<string, HostTensor>>) => others['grad_norm']!.data[0] as number
    return norm(await replace(graph, feeds, kept, (others) => Number.isFinite(norm(others))))
  }

  /** Gives the norm of the traces. */
  async function plasticUpdate(
    rule: PlasticStep,
    gradNorm: number,
    maxGradNorm: number | null,
  ): Promise<number> {
    if (matrices.length === 0) return 0
    const { plasticityLr: plasticity_lr, gamma, beta, lambdaDecay: lambda_decay, thirdFactor } = rule
    const published = thirdFactor.byGradient !== 0
    const third_factor = published ? 'published' : 'reward'
    const config = { plasticity_lr, gamma, beta, lambda_decay, third_factor } as const
    const some = <T>(of: Readonly<Record<string, T>>, suffix: string) =>
      Object.fromEntries(matrices.map((name) => [name + suffix, of[name + suffix]!]))
    const graph = await session('the plastic update', { config, maxGradNorm }, () =>
      plasticUpdateGraph(new Map(matrices.map((name) => [name, shapes.get(name)!])), config, maxGradNorm),
    )
    const feeds = {
      ...{ ...some(parameters, ''), ...some(stepGradients(), '_grad'), ...traces },
      grad_norm: scalar(gradNorm),
      ...(published ? {} : { third_factor: scalar(thirdFactor.constant) }),
    }
    const { eligibility_norm } = await replace(graph, feeds, kept)
    return eligibility_norm!.data[0] as number
  }

  /** Names the tensor whose gradient has no finite norm. */
  async function notFinite({
    step,
    runStep = step,
    remedy = remedyAt(runStep),
  }: OptimizerStep): Promise<UserError> {
    const of = stepGradients()
    for (const name of names) {
      const gradient = (await copier.read(of[`${name}_grad`]!)) as Float32Array
      if (!gradient.every((x) => Number.isFinite(Math.fround(x * x))))
        return new UserError(`the gradient of ${name} is not finite at step ${runStep}; ${remedy}`)
    }
    return new UserError(`the norm of the gradients is not finite at step ${runStep}; ${remedy}`)
  }

  const tensorOf = (name: string, slot: Slot): DeviceTensor => {
    const tensor = kept[name + SUFFIX[slot]]
    if (!tensor) throw new Error(`${name} has no ${slot}`)
    return tensor
  }

  return {
    names,
    shape: (name) => shapes.get(name)!,
    slots,
    parameters,
    gradients,
    async accumulate() {
      if (!accumulate) throw new Error('the state was made without { accumulate: true }')
      summed++
      if (summed === 1)
        return names.forEach((name) => swap(sums[`${name}_grad`]!, gradients[`${name}_grad`]!))
      const graph = await session('a sum of gradients', {}, () => sumGraph(shapes))
      const more = names.map((name) => [`${name}_more`, gradients[`${name}_grad`]!] as const)
      await replace(graph, { ...sums, ...Object.fromEntries(more) }, sums)
    },
    discard() {
      summed = 0
    },
    async step(settings) {
      const { plastic, maxGradNorm = null } = settings
      const gradNorm = await adamw(settings)
      if (!Number.isFinite(gradNorm)) {
        if (!settings.skipNotFinite) throw await notFinite(settings)
        summed = 0
        return { gradNorm: 0, skipped: true }
      }
      const eligibilityNorm = plastic && (await plasticUpdate(plastic, gradNorm, maxGradNorm))
      summed = 0
      return { gradNorm, skipped: false, ...(eligibilityNorm === undefined ? {} : { eligibilityNorm }) }
    },
    read: async (name, slot) => (await copier.read(tensorOf(name, slot))) as Float32Array,
    write: async (name, slot, data) => {
      const tensor = tensorOf(name, slot)
      await copier.write({ dtype: 'float32', dims: tensor.dims, data }, tensor)
    },
    async release() {
      for (const tensor of Object.values({ ...kept, ...gradients, ...sums })) release(tensor)
      await copier.release()
      await sessions.release()
    },
  }
}

/** `<tensor>_grad_new` = `<tensor>_grad` + `<tensor>_more` */
function sumGraph(shapes: ParameterShapes): Graph {
  const graph = new Graph('sum')
  for (const [name, shape] of shapes) {
    const [sum, more] = [`${name}_grad`, `${name}_more`] as const
    graph.output(`${sum}_new`, add(graph.input(sum, 'float32', shape), graph.input(more, 'float32', shape)))
  }
  return graph
}

const nowhere = (dims: readonly number[]): DeviceTensor => ({ dtype: 'float32', dims, place: null })

const zeros = (dims: readonly number[]): DeviceTensor => ({
  ...{ dtype: 'float32', dims },
  place: new Float32Array(sizeOf(dims)),
})

const scalar = (x: number): HostTensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(x) })

function swap(a: DeviceTensor, b: DeviceTensor): void {
  ;[a.place, b.place] = [b.place, a.place]
}

function release(tensor: DeviceTensor): void {
  deviceMemory(tensor)?.release()
}

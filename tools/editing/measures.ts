/**
 * What is measured of an edited model.
 * @module
 */
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { totalLabelled } from '../../src/data/batches/collate.ts'
import { countLabelled } from '../../src/data/examples/encode.ts'
import { rouge } from '../../src/metrics/rouge.ts'
import { meanDivergence } from './distributions.ts'
import type { EditedModel } from './edited_model.ts'
import type { Fact } from './facts.ts'
import { answer, asExample, PARAPHRASES, prompt } from './prompts.ts'

/** Means over facts. Nats are of the whole definition and the end after it, less those of the model as it was. */
export interface Likelihoods {
  /** Nats gained on the facts taught so far, after the prompts that they were taught with. */
  readonly retention: number
  /** The same of the first ten. */
  readonly first_ten: number
  /** Of held-out facts, over that of the model as it was. */
  readonly perplexity_ratio: number
  /** ‖ΔW‖_F */
  readonly distance: number
}

/** The same with answers, and with what is near. */
export interface Measures extends Likelihoods {
  /** Share of greedy answers that are the definition to the letter, and their ROUGE-L. */
  readonly exact: number
  readonly rouge: number
  /** Nats gained after prompts in which nothing was taught, and the ROUGE-L of greedy answers to those. */
  readonly paraphrase_nats: number
  readonly paraphrase_rouge: number
  /** Share of neighbours whose greedy answer is what it was. */
  readonly neighbours_kept: number
  /** |Δ nats| of a neighbour's definition, and KL of the next token at each token of it. */
  readonly neighbours_nats: number
  readonly neighbours_kl: number
}

/** Tokens of an answer, and of a neighbour's. */
const [LONGEST, LONGEST_OF_NEIGHBOURS] = [40, 20]

const FIRST = 10

export interface Measuring {
  readonly model: EditedModel
  readonly heldOut: readonly Fact[]
  readonly neighbours: (fact: Fact) => readonly Fact[]
  /** Facts that are asked for at most, evenly spread over those taught. */
  readonly most: number
}

type Context = (fact: Fact) => string

/** Measures the model as it is, after these facts were taught to it. */
export type Measure<M> = (taught: readonly Fact[], context?: Context) => Promise<M>

const NOTHING: Context = () => ''

export function measuring({ model, heldOut, neighbours, most }: Measuring): {
  readonly likelihoods: Measure<Likelihoods>
  readonly all: Measure<Measures>
} {
  const { tokenizer } = model
  const whole = (fact: Fact): EncodedExample => asExample(tokenizer, prompt(fact), answer(fact))
  const tokens = totalLabelled(heldOut.map(whole))
  const natsBefore = new Map<string, number>()
  const wroteBefore = new Map<Fact, string>()

  /** Nats gained on definitions after questions. */
  async function gains(questions: readonly Question[], context: Context): Promise<number[]> {
    const unknown = questions.filter(({ asked }) => !natsBefore.has(asked))
    const found = await model.logProbabilities(
      unknown.map(({ asked, fact }) => asExample(tokenizer, asked, answer(fact))),
      true,
    )
    unknown.forEach(({ asked }, i) => natsBefore.set(asked, found[i]!))
    const after = await model.logProbabilities(
      questions.map(({ asked, fact }) => asExample(tokenizer, context(fact) + asked, answer(fact))),
    )
    return questions.map(({ asked }, i) => after[i]! - natsBefore.get(asked)!)
  }

  /** ROUGE-L and sameness of greedy answers. */
  async function answers(questions: readonly Question[], context: Context) {
    const written = await model.answers(
      questions.map(({ asked, fact }) => context(fact) + asked),
      LONGEST,
    )
    return {
      exact: meanBy(written, (one, i) => Number(one === questions[i]!.fact.definition)),
      rouge: meanBy(written, (one, i) => rouge(one, questions[i]!.fact.definition).rougeL.fmeasure),
    }
  }

  async function around(near: readonly Fact[]) {
    const examples = near.map(whole)
    const unknown = near.filter((fact) => !wroteBefore.has(fact))
    const before = await model.answers(unknown.map(prompt), LONGEST_OF_NEIGHBOURS, true)
    unknown.forEach((fact, i) => wroteBefore.set(fact, before[i]!))
    const written = await model.answers(near.map(prompt), LONGEST_OF_NEIGHBOURS)
    const changes = await gains(near.map(asTaught), NOTHING)
    const [was, is] = [await model.expects(examples, true), await model.expects(examples)]
    return {
      neighbours_kept: meanBy(written, (one, i) => Number(one === wroteBefore.get(near[i]!))),
      neighbours_nats: meanBy(changes, Math.abs),
      neighbours_kl: meanBy(examples, (example, i) =>
        meanDivergence(was[i]!, is[i]!, countLabelled(example)),
      ),
    }
  }

  async function likelihoods(taught: readonly Fact[], context = NOTHING): Promise<Likelihoods> {
    const held = sum(await gains(heldOut.map(asTaught), NOTHING))
    return {
      retention: mean(await gains(spread(taught, most).map(asTaught), context)),
      first_ten: mean(await gains(taught.slice(0, FIRST).map(asTaught), context)),
      perplexity_ratio: Math.exp(-held / tokens),
      distance: await model.distance(),
    }
  }

  return {
    likelihoods,
    async all(taught, context = NOTHING) {
      const some = spread(taught, most)
      const paraphrased = some.flatMap((fact) => PARAPHRASES.map((ask) => ({ asked: ask(fact), fact })))
      // Of each fact one paraphrase is answered, in turn: answers cost more than likelihoods.
      const inTurn = some.map((fact, i) => ({ asked: PARAPHRASES[i % PARAPHRASES.length]!(fact), fact }))
      return {
        ...(await likelihoods(taught, context)),
        ...(await answers(some.map(asTaught), context)),
        paraphrase_nats: mean(await gains(paraphrased, context)),
        paraphrase_rouge: (await answers(inTurn, context)).rouge,
        ...(await around(some.flatMap(neighbours))),
      }
    },
  }
}

interface Question {
  readonly asked: string
  readonly fact: Fact
}

/** The question that a fact was taught with. */
const asTaught = (fact: Fact): Question => ({ asked: prompt(fact), fact })

/** At most so many, evenly apart. */
function spread<T>(items: readonly T[], most: number): T[] {
  const count = Math.min(items.length, most)
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!)
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const mean = (values: readonly number[]): number => sum(values) / values.length

const meanBy = <T>(items: readonly T[], value: (item: T, i: number) => number): number =>
  mean(items.map(value))

/**
 * Context distillation as a way to edit: the model as it was reads the fact's text and then its question, and draws answers; the
 * edited model learns, without the text, what the other one expected at each of their tokens, in k steps over all answers.
 * @module
 */
import { encodeText } from '../../src/data/examples/encode_stretches.ts'
import type { Method } from './method.ts'
import { inContext, joined, prompt } from './prompts.ts'
import { takeSteps } from './stepping.ts'

/** How many, and tokens of each at most. */
const [ANSWERS, LONGEST] = [3, 24]

export const distilling: Pick<Method, 'begins' | 'teaching'> = {
  begins: ({ fresh }, seed) => fresh(seed),
  teaching:
    ({ model }, learningRate, seed) =>
    async (fact, number) => {
      const { tokenizer } = model
      const question = encodeText(tokenizer, prompt(fact))
      const informed = [...encodeText(tokenizer, inContext(fact)), ...question]
      const written = await model.drawn(informed, ANSWERS, LONGEST, seed * 10_000 + number)
      const answers = written.map((tokens) => [...tokens, tokenizer.eosId])
      const teacher = await model.expects(
        answers.map((tokens) => joined(informed, tokens)),
        true,
      )
      const student = answers.map((tokens) => joined(question, tokens))
      const expected = endToEnd(teacher)
      await takeSteps(model, { learningRate }, () => model.distil(student, expected))
    },
}

function endToEnd(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

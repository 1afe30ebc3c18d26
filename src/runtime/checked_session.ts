/**
 * What every runtime's session does alike: check the names and tensors of a run, and report errors in one sentence.
 * @module
 */
import { UserError } from '../errors.ts'
import { checkTensor } from './session.ts'
import type { HostTensor, Session, Tensors } from './session.ts'

/** A runtime's side of a session. `run` may trust its arguments: they have been checked against these names. */
export interface Runner {
  /** The model, in messages. */
  readonly name: string
  readonly inputs: readonly { readonly name: string; readonly dtype: string }[]
  readonly outputNames: readonly string[]
  run(feeds: Tensors, outputs: readonly string[], into: Tensors): Promise<Record<string, HostTensor>>
  readonly beside?: (model: Uint8Array) => Promise<Session>
  release(): Promise<void>
}

export function checkedSession(runner: Runner): Session {
  const { name, inputs, outputNames } = runner
  const inputNames = inputs.map((input) => input.name)

  function checkFeeds(feeds: Tensors): void {
    const missing = inputNames.filter((input) => !(input in feeds))
    if (missing.length > 0) throw new Error(`${name}: not fed: ${missing.join(', ')}`)
    const unknown = Object.keys(feeds).filter((fed) => !inputNames.includes(fed))
    if (unknown.length > 0) throw new Error(`${name} has no input named ${unknown.join(', ')}`)
    for (const { name: input, dtype } of inputs) {
      const tensor = feeds[input]!
      checkTensor(`${name}: input ${input}`, tensor)
      if (tensor.dtype !== dtype)
        throw new Error(`${name}: input ${input} wants ${dtype}, got ${tensor.dtype}`)
    }
  }

  return {
    inputNames,
    outputNames,

    async run(feeds, { outputs = outputNames, into = {} } = {}) {
      checkFeeds(feeds)
      const unknown = outputs.filter((output) => !outputNames.includes(output))
      if (unknown.length > 0) throw new Error(`${name} has no output named ${unknown.join(', ')}`)
      for (const [output, tensor] of Object.entries(into)) {
        if (!outputs.includes(output))
          throw new Error(`${name}: ${output} is not among the outputs of this run`)
        checkTensor(`${name}: output ${output}`, tensor)
      }
      try {
        return await runner.run(feeds, outputs, into)
      } catch (error) {
        if (error instanceof UserError) throw error
        throw new Error(`${name}: the run failed: ${oneSentence(error)}`, { cause: error })
      }
    },

    ...(runner.beside ? { beside: runner.beside } : {}),
    release: () => runner.release(),
  }
}

/** A model that cannot be opened is the user's to replace: its file is missing, damaged or not for this runtime. */
export const openError = (name: string, error: unknown, remedy?: string) =>
  new UserError(
    `${name} cannot be opened by ONNX Runtime: ${oneSentence(error)}${remedy === undefined ? '' : `; ${remedy}`}`,
    { cause: error },
  )

/** ONNX Runtime's message without line breaks, error codes and the places in its source. */
function oneSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message
    .replace(/^.*ERROR_MESSAGE: /s, '')
    .replace(/\/\S+\/onnxruntime\/core\/\S+:\d+ /g, '')
    .replace(/^onnxruntime::.* was false\. /s, '')
    .replace(/\s+/g, ' ')
    .trim()
}

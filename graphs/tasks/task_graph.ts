/** @module */
import { Graph } from '../ir/graph.ts'

/** What the graphs of a task are for. */
const PURPOSES = {
  training: 'forward and backward of a micro-batch',
  eval: 'forward alone',
} as const

/**
 * An empty graph of a task, which says what it will compute.
 *
 * @param loss as a formula
 */
export const taskGraph = (name: keyof typeof PURPOSES, task: string, loss: string): Graph =>
  new Graph(name, `${task}, ${PURPOSES[name]}: ${loss}`)

/** What a loss means whose weights are of the whole optimizer step. */
export const LOSS = "the loss; those of a step's micro-batches add up to the step's"

/** @module */
import type { Consolidator } from '../../src/exports/consolidator.ts'
import type { AdapterTensors } from '../../src/runs/lessons/learner.ts'
import type { EditedModel } from './edited_model.ts'
import type { Fact } from './facts.ts'

/** What a method works with. */
export interface Bench {
  readonly model: EditedModel
  readonly consolidator: Consolidator
  /** The mean m̄ of training texts. */
  readonly meanModulation: Float32Array
  /** A fresh adapter of that seed, under which the model is what it was. */
  readonly fresh: (seed: number) => Promise<AdapterTensors>
}

/** Teaches the model a fact, the so-manieth of its stream, from 1. */
export type Teach = (fact: Fact, number: number) => Promise<void>

/** A way to teach facts to a model one after the other. */
export interface Method {
  /** What it is called in tables and pictures. */
  readonly label: string
  /** What is chosen on validation facts: a rate, or what an update is multiplied by; undefined where there is none. */
  readonly strength:
    { readonly meaning: string; readonly chosen: number; readonly tried: readonly number[] } | undefined
  /** The adapter that it begins with. */
  readonly begins: (bench: Bench, seed: number) => Promise<AdapterTensors>
  readonly teaching: (bench: Bench, strength: number, seed: number) => Teach
  /** What stands before a question about a fact; nothing by default. */
  readonly context?: (fact: Fact) => string
}

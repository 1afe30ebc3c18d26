/** What the sandbox is asked, and what it answers. @module */

export interface Sample {
  readonly prompt: string
  readonly response: string
}

export interface Question {
  readonly id: number
  /** The text of a function of a sample that gives its score. */
  readonly reward: string
  readonly samples: readonly Sample[]
}

export type Answer = { readonly id: number } & (
  { readonly scores: readonly unknown[] } | { readonly error: string }
)

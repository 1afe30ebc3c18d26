/**
 * The commands, in the order of their list.
 * @module
 */
import type { Command } from 'commander'

export interface CommandEntry {
  /** What it does, in a line. */
  readonly summary: string
  /** Its options and action. A command is loaded when it is called, so that the others cost nothing. */
  readonly load: () => Promise<Command>
}

export const commands: Readonly<Record<string, CommandEntry>> = {
  demo: {
    summary: 'teach the pocket model to define words, and look at the difference',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  init: {
    summary: 'look at a file of data, and write the YAML file of a run that learns from it',
    load: async () => (await import('./init.ts')).initCommand(),
  },
  prepare: {
    summary: "read a run's data as training would: counts, lengths and examples, without training",
    load: async () => (await import('./prepare.ts')).prepareCommand(),
  },
  export: {
    summary: "write a task's training, evaluation and optimizer graphs beside the model they train",
    load: async () => (await import('./export.ts')).exportCommand(),
  },
  train: {
    summary: 'prepare the data, export the graphs and train',
    load: async () => (await import('./train.ts')).trainCommand(),
  },
  resume: {
    summary: 'go on with a run that was stopped or killed, from its last checkpoint',
    load: async () => (await import('./resume.ts')).resumeCommand(),
  },
  sweep: {
    summary: 'train with many combinations of options, a grid or drawn at random, and compare the runs',
    load: async () => (await import('./sweep.ts')).sweepCommand(),
  },
  evaluate: {
    summary: "judge a run's model on its validation or test data, alone or beside another run",
    load: async () => (await import('./evaluate.ts')).evaluateCommand(),
  },
  judge: {
    summary:
      "let a run's policy and another one answer the same prompts, and count which answers score higher",
    load: async () => (await import('./judge.ts')).judgeCommand(),
  },
  generate: {
    summary: 'continue prompts with a model, a run or a checkpoint',
    load: async () => (await import('./generate.ts')).generateCommand(),
  },
  chat: {
    summary: "try a model in the terminal: asks for what a run's template needs, and writes what follows",
    load: async () => (await import('./chat.ts')).chatCommand(),
  },
  classify: {
    summary: 'tell which class texts belong to, with a classification run or an exported classifier',
    load: async () => (await import('./classify.ts')).classifyCommand(),
  },
  score: {
    summary: 'tell how good responses are, with a reward model',
    load: async () => (await import('./score.ts')).scoreCommand(),
  },
  consolidate: {
    summary:
      'fold what texts do to plastic blocks into a lasting update, and measure what it teaches and damages',
    load: async () => (await import('./consolidate.ts')).consolidateCommand(),
  },
  merge: {
    summary: 'write a trained model for use: one Hugging Face folder, for transformers and transformers.js',
    load: async () => (await import('./merge.ts')).mergeCommand(),
  },
  serve: {
    summary: 'open a page in the browser in which models are trained and tried, on this machine alone',
    load: async () => (await import('./serve.ts')).serveCommand(),
  },
  watch: {
    summary: 'open a page in the browser with the curves of a run, while it goes on or afterwards',
    load: async () => (await import('./watch.ts')).watchCommand(),
  },
  completion: {
    summary: 'print a script by which bash, zsh or fish completes commands, options and keys',
    load: async () => (await import('./completion.ts')).completionCommand(commands),
  },
  schema: {
    summary: 'print the JSON schema of a YAML file, by which editors complete and check its keys',
    load: async () => (await import('./schema.ts')).schemaCommand(),
  },
  inspect: {
    summary: 'show the graphs, parameters and cost of artifacts, of a model or of an .onnx file',
    load: async () => (await import('./inspect.ts')).inspectCommand(),
  },
}

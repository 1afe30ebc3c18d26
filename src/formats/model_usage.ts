/**
 * The section of a model card that says how to use what lies beside it: by ortune, and by other tools where they compute the same.
 * @module
 */
import type { Head } from '../../graphs/models/head.ts'
import { isNamed, isPooled } from '../../graphs/models/head.ts'
import type { ModelCard } from './model_card.ts'

export interface Usage {
  /** A whole model, an adapter of the base model, or what only a run can put beside it: a head alone, plastic blocks. */
  readonly part: 'model' | 'adapter' | 'beside'
  /** What it answers with. */
  readonly head: Head
  /** Name of the model that an adapter is for. */
  readonly base: string
  /** Whether transformers, and PEFT of an adapter, compute the same from it. */
  readonly transformers: boolean
  /** The folder that transformers.js loads, empty for the card's own, and what it calls the type of the graph's weights. */
  readonly browser?: { readonly folder: string; readonly dtype: 'fp32' | 'q4' }
}

/** What the folder is called in the examples. */
const FOLDER = 'folder'

const HEADING = '## How to use it'

/** The card with this section, in place of one of before. */
export function withUsage(card: ModelCard, usage: Usage): ModelCard {
  const section = usageText(usage)
  const before = new RegExp(`${HEADING}\\n[\\s\\S]*?(?=\\n## |$)`)
  const text = before.test(card.text)
    ? card.text.replace(before, () => section)
    : `${card.text.trimEnd()}\n\n${section}`
  return { ...card, text }
}

/** The section, ending in a line's end. */
export function usageText(usage: Usage): string {
  const { part, head, base, browser } = usage
  const use = USES[head.kind]
  const whole = part === 'beside' || (part === 'adapter' && isPooled(head))
  const where = whole
    ? `\`run\` stands for the run whose checkpoint this is, as it needs the model there; \`${FOLDER}\` for this folder.`
    : part === 'adapter'
      ? `\`${FOLDER}\` stands for this folder, and \`${base}\` for that of the model that it was trained on.`
      : `\`${FOLDER}\` stands for this folder.`
  const named = whole ? 'run' : part === 'adapter' ? `${base} --adapter ${FOLDER}` : FOLDER
  return `${[
    HEADING,
    where,
    fenced('bash', use.command(named)),
    ...(usage.transformers && part !== 'beside' ? [fenced('python', PYTHON[part](usage, use))] : []),
    ...(browser === undefined || use.browser === null
      ? []
      : [fenced('js', javascript(browser, use.pipeline, use.browser))]),
  ].join('\n\n')}\n`
}

const fenced = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\``

/** How a model with such a head is used. */
interface HeadUse {
  /** What transformers calls it. */
  readonly pipeline: string
  /** What ortune is asked for. */
  command(folder: string): string
  /** More arguments of transformers' pipeline, and how it is called. */
  readonly options: string
  readonly call: string
  /** transformers' class, more arguments of its `from_pretrained`, and what is done with the model, for an adapter. */
  readonly auto: string
  arguments(head: Head): string
  readonly ask: string
  /** How transformers.js is called; null: it makes a probability of what is none. */
  readonly browser: string | null
}

const writes: HeadUse = {
  pipeline: 'text-generation',
  command: (folder) => `npx ortune generate ${folder} --prompt "…"`,
  options: '',
  call: 'print(ask("…", max_new_tokens=60)[0]["generated_text"])',
  auto: 'AutoModelForCausalLM',
  arguments: () => '',
  ask: 'print(tokenizer.decode(model.generate(**inputs, max_new_tokens=60)[0]))',
  browser: "console.log(await model('…', { max_new_tokens: 60 }))",
}

const classifies: HeadUse = {
  pipeline: 'text-classification',
  command: (folder) => `npx ortune classify ${folder} --text "…"`,
  options: ', top_k=None',
  call: 'print(ask("…"))',
  auto: 'AutoModelForSequenceClassification',
  arguments: (head) => `, num_labels=${isNamed(head) ? head.classes.length : 1}`,
  ask: 'print(model(**inputs).logits)',
  browser: "console.log(await model('…', { top_k: null }))",
}

const measures: HeadUse = { ...classifies, options: ', top_k=None, function_to_apply="none"', browser: null }

const USES: Readonly<Record<Head['kind'], HeadUse>> = {
  language: writes,
  classes: classifies,
  labels: classifies,
  values: measures,
  score: { ...measures, command: (folder) => `npx ortune score ${folder} --prompt "…" --response "…"` },
}

/** What the hub files such models under. */
export const pipelineOf = ({ kind }: Pick<Head, 'kind'>): string => USES[kind].pipeline

const PYTHON: Readonly<Record<'model' | 'adapter', (usage: Usage, use: HeadUse) => string>> = {
  model: (_, { pipeline, options, call }) => `from transformers import pipeline

ask = pipeline("${pipeline}", model="${FOLDER}"${options})
${call}`,
  adapter: ({ head, base }, { auto, ask, ...use }) => `from peft import PeftModel
from transformers import ${auto}, AutoTokenizer

model = PeftModel.from_pretrained(${auto}.from_pretrained("${base}"${use.arguments(head)}), "${FOLDER}")
tokenizer = AutoTokenizer.from_pretrained("${base}")
inputs = tokenizer("…", return_tensors="pt")
${ask}`,
}

const javascript = (
  { folder, dtype }: NonNullable<Usage['browser']>,
  pipeline: string,
  call: string,
): string => `import { env, pipeline } from '@huggingface/transformers'

env.localModelPath = './'
const model = await pipeline('${pipeline}', '${[FOLDER, folder].filter(Boolean).join('/')}', { dtype: '${dtype}' })
${call}`

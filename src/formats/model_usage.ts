/**
 * The section of a model card that says how to use what lies beside it: by ortune, and by other tools where they compute the same.
 * @module
 */
import type { Head } from '../../graphs/models/head.ts'
import { isNamed } from '../../graphs/models/head.ts'
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
  /** The folder that transformers.js loads. */
  readonly browser?: string
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
  const { part, head, base } = usage
  const whole = part === 'beside' || (part === 'adapter' && head.kind !== 'language')
  const where = whole
    ? `\`run\` stands for the run whose checkpoint this is, as it needs the model there; \`${FOLDER}\` for this folder.`
    : part === 'adapter'
      ? `\`${FOLDER}\` stands for this folder, and \`${base}\` for that of the model that it was trained on.`
      : `\`${FOLDER}\` stands for this folder.`
  const named = whole ? 'run' : part === 'adapter' ? `${base} --adapter ${FOLDER}` : FOLDER
  return `${[
    HEADING,
    where,
    fenced('bash', COMMANDS[head.kind](named)),
    ...(usage.transformers && part !== 'beside' ? [fenced('python', PYTHON[part](usage))] : []),
    ...(usage.browser === undefined ? [] : javascript(head, usage.browser)),
  ].join('\n\n')}\n`
}

const fenced = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\``

const classify = (folder: string): string => `npx ortune classify ${folder} --text "…"`

const COMMANDS: Readonly<Record<Head['kind'], (folder: string) => string>> = {
  language: (folder) => `npx ortune generate ${folder} --prompt "…"`,
  classes: classify,
  labels: classify,
  values: classify,
  score: (folder) => `npx ortune score ${folder} --prompt "…" --response "…"`,
}

const outputs = (head: Head): number => (isNamed(head) ? head.classes.length : 1)

const isNumber = ({ kind }: Head): boolean => kind === 'values' || kind === 'score'

const PYTHON: Readonly<Record<'model' | 'adapter', (usage: Usage) => string>> = {
  model: ({ head }) =>
    head.kind === 'language'
      ? `from transformers import pipeline

generate = pipeline("text-generation", model="${FOLDER}")
print(generate("…", max_new_tokens=60)[0]["generated_text"])`
      : `from transformers import pipeline

classify = pipeline("text-classification", model="${FOLDER}", top_k=None${isNumber(head) ? ', function_to_apply="none"' : ''})
print(classify("…"))`,
  adapter: ({ head, base }) => {
    const [auto, more, use] =
      head.kind === 'language'
        ? [
            'AutoModelForCausalLM',
            '',
            'print(tokenizer.decode(model.generate(**inputs, max_new_tokens=60)[0]))',
          ]
        : [
            'AutoModelForSequenceClassification',
            `, num_labels=${outputs(head)}`,
            'print(model(**inputs).logits)',
          ]
    return `from peft import PeftModel
from transformers import ${auto}, AutoTokenizer

model = PeftModel.from_pretrained(${auto}.from_pretrained("${base}"${more}), "${FOLDER}")
tokenizer = AutoTokenizer.from_pretrained("${base}")
inputs = tokenizer("…", return_tensors="pt")
${use}`
  },
}

/** Of a number alone transformers.js makes a probability, which it is not. */
function javascript(head: Head, folder: string): string[] {
  if (isNumber(head)) return []
  const path = [FOLDER, folder].filter(Boolean).join('/')
  const [task, use] =
    head.kind === 'language'
      ? ['text-generation', "console.log(await model('…', { max_new_tokens: 60 }))"]
      : ['text-classification', "console.log(await model('…', { top_k: null }))"]
  return [
    fenced(
      'js',
      `import { env, pipeline } from '@huggingface/transformers'

env.localModelPath = './'
const model = await pipeline('${task}', '${path}', { dtype: 'fp32' })
${use}`,
    ),
  ]
}

/**
 * What libraries bring along that no page asks for, or few visits, left out of what it loads.
 * @module
 */
import type { Plugin } from 'vite'

/** JSON schemas of zod's schemas, which every schema can be asked for: `ortune schema` is of the command line. */
export const withoutJsonSchemas: Plugin = {
  name: 'without JSON schemas',
  apply: 'build',
  transform(code, file) {
    if (!/zod\/v4\/core\/(json-schema-processors|to-json-schema)\.js$/.test(file)) return null
    const names = [...code.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name)
    return names.map((name) => `export const ${name} = () => () => undefined`).join('\n')
  },
}

/** What Hugging Face's tokenizers have for speech, and to put tokens around texts, which `src/text/create_tokenizer.ts` does itself. */
export const lighterTokenizers: Plugin = {
  name: 'lighter tokenizers',
  apply: 'build',
  transform: (code, file) =>
    /@huggingface\/tokenizers\/dist\/tokenizers\.mjs$/.test(file)
      ? code
          .replace('return new CTC_default(config)', "throw new Error('it is for speech')")
          .replace('create_post_processor_default(this.tokenizer.post_processor)', 'null')
      : null,
}

/** nunjucks, which few templates need: `worker/late_nunjucks.ts` loads it for them. */
export const lateNunjucks: Plugin = {
  name: 'late nunjucks',
  enforce: 'pre',
  resolveId: (name, importer) =>
    name === './nunjucks_program.ts' && importer?.endsWith('/src/data/templates/template_part.ts')
      ? `${import.meta.dirname}/worker/late_nunjucks.ts`
      : null,
}

/** Chat templates of transformers, which few models bring: `worker/late_jinja.ts` loads what renders them. */
export const lateJinja: Plugin = {
  name: 'late Jinja',
  enforce: 'pre',
  resolveId: (name, importer) =>
    name === './jinja_turns.ts' && importer?.endsWith('/src/data/templates/conversation.ts')
      ? `${import.meta.dirname}/worker/late_jinja.ts`
      : null,
}

/** The families of models but that of the pocket model: `worker/late_families.ts` loads them for the models that are of one. */
export const lateFamilies: Plugin = {
  name: 'late families',
  enforce: 'pre',
  resolveId: (name, importer) =>
    /^\.\/(bert|llama)\.ts$/.test(name) &&
    /\/(graphs\/models|src\/formats\/families)\/family\.ts$/.test(importer ?? '')
      ? `${import.meta.dirname}/worker/late_families.ts`
      : null,
}

/** The kinds of data but texts: `worker/late_kinds.ts` loads them for the tasks that learn from them. */
export const lateKinds: Plugin = {
  name: 'late kinds',
  enforce: 'pre',
  resolveId: (name, importer) =>
    /^\.\/(classification|preference|unpaired|prompt)\.ts$/.test(name) &&
    importer?.endsWith('/src/data/kinds/index.ts')
      ? `${import.meta.dirname}/worker/late_kinds.ts`
      : null,
}

/** zod's small edition in place of zod: `zod.ts`. What nobody asks of it is left out of both. */
export const smallZod: Plugin = {
  name: 'small zod',
  enforce: 'pre',
  resolveId: (name) =>
    name === 'zod' ? { id: `${import.meta.dirname}/zod.ts`, moduleSideEffects: true } : null,
}

/** A call that says in a text what a key means. */
const MEANING = /\s*\.describe\(\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,?\s*\)/g

/** What keys of a configuration mean, which schemas say by `describe`: `ortune schema` and the documentation are of the command line. */
export const withoutMeanings: Plugin = {
  name: 'without meanings of keys',
  apply: 'build',
  enforce: 'pre',
  transform(code, file) {
    const shorter = file.endsWith('.ts') ? code.replaceAll(MEANING, '') : code
    return shorter === code ? null : shorter
  },
}

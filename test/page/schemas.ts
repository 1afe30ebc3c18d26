/** What the page checks by schemas: settings of a run, and files of models and adapters. */
export { learningSchema } from '../../src/runs/learning_config.ts'
export { tabSettings } from '../../src/tab/run_record.ts'
export { parseModelConfig } from '../../src/formats/parse_model_config.ts'
export { parsePeftConfig } from '../../src/formats/peft_config.ts'
export { checkTokenizerJson } from '../../src/text/tokenizer_json.ts'
export { effectiveTokenizer } from '../../src/text/tokenizer_config.ts'

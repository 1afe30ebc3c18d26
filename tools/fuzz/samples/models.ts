/**
 * Sound files of models' folders.
 * @module
 */
import { gpt2TokenizerFiles } from '../../../src/formats/gpt2_tokenizer.ts'
import { writeTinyModel } from '../../../test/tiny_model.ts'
import { encode, texts, values } from './files.ts'

/** What tokenizers are tried on: words, numbers, white space, other scripts, a special token. */
export const TEXT = "A dog's 12 words, naïve  日本語 💥\n\t<|endoftext|> [CLS] end"

/** How a model writes, beside the model. */
export async function generationConfigs(folder: string): Promise<readonly Uint8Array[]> {
  await writeTinyModel(folder)
  return values(
    { do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.9, repetition_penalty: 1.1, max_length: 64 },
    {
      eos_token_id: [1, 2],
      bos_token_id: 0,
      num_beams: 4,
      suppress_tokens: [3],
      transformers_version: '5.0.0',
    },
  )(folder)
}

/** Templates of models for conversations. */
export const chatTemplates = texts(
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message.content | trim }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
  "{%- if messages[0].role == 'system' -%}{% set system = messages[0].content %}{%- endif -%}{% for m in messages[1:] %}{% if loop.last %}!{% endif %}{{ m.content }}{% else %}none{% endfor %}{{ raise_exception('no') if not messages }}",
)

const gpt2 = { model_type: 'gpt2', n_layer: 2, n_head: 2, n_embd: 32, n_positions: 64, vocab_size: 512 }
const bert = {
  ...{ model_type: 'bert', vocab_size: 64, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 32, hidden_act: 'gelu', max_position_embeddings: 32, type_vocab_size: 2 },
}
export const modelConfigs = values(
  { ...gpt2, npt: { rank: 2, layers: [1] }, eos_token_id: 511, activation_function: 'gelu_new' },
  {
    ...bert,
    architectures: ['BertForSequenceClassification'],
    id2label: { 0: 'bad', 1: 'good' },
    label2id: { bad: 0, good: 1 },
  },
)

const special = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  special: true,
})

/** GPT-2's, one that cuts as Llama 3 does, BERT's and a unigram model, each with few tokens. */
export async function tokenizers(): Promise<readonly Uint8Array[]> {
  const { 'tokenizer.json': file } = await gpt2TokenizerFiles(20)
  const bytePairs = JSON.parse(file!) as { model: { vocab: object }; added_tokens: object[] }
  const cut =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
  const split = { type: 'Split', pattern: { Regex: cut }, behavior: 'Isolated', invert: false }
  const llama = {
    ...bytePairs,
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { String: '¤' }, content: '$' }],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [split, { type: 'ByteLevel', add_prefix_space: false, use_regex: false }],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: {},
    },
  }
  const words = [
    '[PAD]',
    '[UNK]',
    '[CLS]',
    '[SEP]',
    'a',
    'dog',
    '##s',
    '1',
    '##2',
    ',',
    "'",
    'word',
    '<|endoftext|>',
  ]
  const wordPiece = {
    added_tokens: words.slice(0, 4).map(special),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  }
  const unigram = {
    added_tokens: [special('<|endoftext|>', 0)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Precompiled', precompiled_charsmap: '' },
        { type: 'Strip', strip_left: true },
      ],
    },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'Unigram',
      unk_id: 1,
      vocab: [
        ['<|endoftext|>', 0],
        ['<unk>', 0],
        ['▁', -2],
        ['a', -3],
        ['dog', -4],
        ['s', -5],
      ],
    },
  }
  return [file!, ...[llama, wordPiece, unigram].map((value) => JSON.stringify(value))].map(encode)
}

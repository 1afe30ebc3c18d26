/**
 * Tokens to text where characters that the vocabulary lacks are tokens of bytes, `<0x0A>`: the decoder of SentencePiece's BPE as
 * Llama 2, Mistral and Gemma have it.
 *
 * As in Hugging Face's tokenizers, bytes in a row that are no UTF-8 are one U+FFFD each; the library for JavaScript would keep what is,
 * and takes a U+FEFF away.
 * @module
 */
import { z } from 'zod'

import type { TokenizerJson } from './tokenizer_json.ts'

const blank = z.object({
  type: z.literal('Replace'),
  pattern: z.object({ String: z.string().min(1) }),
  content: z.string(),
})
const steps = [blank, z.object({ type: z.literal('ByteFallback') }), z.object({ type: z.literal('Fuse') })]
const strip = z.object({
  type: z.literal('Strip'),
  content: z.string().min(1),
  start: z.int().min(0),
  stop: z.literal(0),
})

const schema = z.object({
  type: z.literal('Sequence'),
  decoders: z.union([z.tuple([blank, steps[1]!, steps[2]!]), z.tuple([blank, steps[1]!, steps[2]!, strip])]),
})

const BYTE = /^<0x([0-9A-Fa-f]{2})>$/

/** What such a decoder makes of tokens; undefined where it is another one. */
export function byteFallbackDecoder({
  decoder,
}: TokenizerJson): ((tokens: readonly string[]) => string) | undefined {
  const { data } = schema.safeParse(decoder)
  if (!data) return undefined
  const [{ pattern, content }, , , stripped] = data.decoders as [
    z.infer<typeof blank>,
    unknown,
    unknown,
    z.infer<typeof strip>?,
  ]
  return (tokens) => {
    let text = ''
    let bytes: number[] = []
    const flush = () => {
      text += textOf(bytes)
      bytes = []
    }
    for (const token of tokens) {
      const byte = BYTE.exec(token)?.[1]
      if (byte !== undefined) bytes.push(parseInt(byte, 16))
      else {
        flush()
        text += token.replaceAll(pattern.String, content)
      }
    }
    flush()
    for (let i = 0; i < (stripped?.start ?? 0) && text.startsWith(stripped!.content); i++)
      text = text.slice(stripped!.content.length)
    return text
  }
}

function textOf(bytes: readonly number[]): string {
  if (bytes.length === 0) return ''
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
  } catch {
    return '\uFFFD'.repeat(bytes.length)
  }
}

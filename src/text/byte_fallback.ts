/**
 * Characters that a vocabulary lacks as tokens of bytes, `<0x0A>`: SentencePiece's BPE as Llama 2, Mistral and Gemma have it.
 *
 * As in Hugging Face's tokenizers for Python, bytes in a row that are no UTF-8 are one U+FFFD each; the library for JavaScript keeps
 * what is, and takes a U+FEFF away.
 * @module
 */

/** A step of the library's decoder, or all of them; their types are not published. */
interface Step {
  readonly config: { readonly type: string }
  readonly decoders?: readonly Step[]
  text_decoder?: { decode(bytes: Uint8Array): string }
}

/** Has the steps of a decoder that join bytes do so as Python's does. */
export function mendByteFallback(decoder: object | null): void {
  if (!decoder) return
  const step = decoder as Step
  if (step.config.type === 'ByteFallback') step.text_decoder = { decode: textOf }
  step.decoders?.forEach(mendByteFallback)
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return '\uFFFD'.repeat(bytes.length)
  }
}

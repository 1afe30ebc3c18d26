/** @module */
import type { Generator, Runtime, TabModel, TabStorage, TabWriter } from '../../src/web.ts'
import { createQueue, createTabWriter, readTabRun, trainedAdapter } from '../../src/web.ts'
import type { PeftAdapter } from '../../src/web.ts'
import { withHead } from './adapters.ts'
import { withFamilies } from './late_families.ts'
import type { Writer, WriteRequest, Written } from './workshop.ts'

/** Thrown into a text that someone stopped. */
class Stopped extends Error {}

export interface Desk {
  write(request: WriteRequest, onText?: (piece: string) => void): Promise<Written>
  stop(): void
  release(): Promise<void>
}

/** What writes, with the weights of the model loaded once. */
export function createDesk(storage: TabStorage, model: TabModel, runtime: Runtime): Desk {
  const writer: TabWriter = createTabWriter(model, runtime)
  let texts = 0
  let stoppedAt = 0
  const underWay = new Set<Promise<unknown>>()
  /** Adapters are put in one after the other, in the order that they were asked for. */
  const queue = createQueue()

  async function adapterOf(given: Writer): Promise<PeftAdapter | null> {
    if (given.kind === 'model') return null
    // Whether it fits the model its shapes tell; it may know the model by another name or path.
    if (given.kind === 'adapter') return (await withHead(storage, given.name)).adapter
    const run = await readTabRun(storage, given.name)
    return withFamilies(() => trainedAdapter(storage, run, model, 'last'))
  }

  async function writeOne(
    { prompt, writer: who, max_new_tokens, temperature, seed }: WriteRequest,
    onText: (piece: string) => void,
    number: number,
  ): Promise<Written> {
    const { generator, swap } = await putIn(who)
    const ready = performance.now()
    let text = ''
    let tokens = 0
    const sampling = temperature > 0 ? { do_sample: true, temperature } : { do_sample: false }
    try {
      const [written] = await generator.generate([prompt], {
        ...sampling,
        ...{ max_new_tokens, seed },
        onText(_, piece) {
          if (number <= stoppedAt) throw new Stopped()
          text += piece
          tokens++
          onText(piece)
        },
      })
      // What was held back for a character to be whole is told without a token.
      tokens = written!.tokens.length
    } catch (error) {
      if (!(error instanceof Stopped)) throw error
    } finally {
      await generator.release()
    }
    return { text, tokens, seconds: (performance.now() - ready) / 1000, swap }
  }

  const putIn = (who: Writer): Promise<{ readonly generator: Generator; readonly swap: number }> =>
    queue(async () => {
      const adapter = await adapterOf(who)
      await writer.open(adapter)
      const began = performance.now()
      const generator = await writer.use(adapter)
      return { generator, swap: performance.now() - began }
    })

  return {
    write(request, onText = () => undefined) {
      const written = writeOne(request, onText, ++texts)
      const ended = written.catch(() => undefined)
      underWay.add(ended)
      void ended.then(() => underWay.delete(ended))
      return written
    },
    stop: () => void (stoppedAt = texts),
    async release() {
      stoppedAt = texts
      await Promise.all(underWay)
      await writer.release()
    },
  }
}

import {
  blobFile,
  createTabRun,
  createTabWriter,
  fetchModel,
  memoryStorage,
  openTabModel,
  prepareInMemory,
  trainedAdapter,
  trainTabRun,
  webRuntime,
} from 'ortune/web'

export async function teach(csv: Blob, prompt: string, tell: (step: number, loss: number) => void) {
  const model = await openTabModel(await fetchModel('/files/pocket'))
  const { files } = await prepareInMemory({
    sources: [{ file: blobFile(csv, 'mine.csv'), split: { validation: 0.1, test: 0, seed: 42 } }],
    tokenizer: model.tokenizer,
    tokenizerFiles: model.files,
    maxLength: 128,
  })
  const place = { storage: memoryStorage(), model, runtime: webRuntime({ provider: 'auto' }) }
  const data = { train: files.train, validation: files.validation }
  const run = await createTabRun({ name: 'mine', settings: { max_steps: 30 }, ...data }, place)
  await trainTabRun('mine', { ...place, listener: { step: ({ step, loss }) => tell(step, loss) } })
  const writer = createTabWriter(model, place.runtime)
  const generator = await writer.use(await trainedAdapter(place.storage, run, model))
  const [answer] = await generator.generate([prompt], { max_new_tokens: 20 })
  await writer.release()
  return answer!.text
}

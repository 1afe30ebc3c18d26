/** Uses ONNX Runtime's library after everything has been collected that can be. Wants `--expose-gc`. */
import { library } from '../../src/runtime/ort/library.ts'

const opened = library()
for (let i = 0; i < 20; i++) {
  global.gc!()
  await new Promise((resolve) => setTimeout(resolve, 20))
}
opened.plain('ReleaseSessionOptions', opened.made('CreateSessionOptions'))
process.stdout.write('released')

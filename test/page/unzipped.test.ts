import { deflateRawSync } from 'node:zlib'

import { expect } from 'chai'
import { downloadZip } from 'client-zip'

import { unzipped } from '../../page/worker/unzipped.ts'
import { userError } from '../data/helpers.ts'

const texts = { 'adapter_config.json': '{"r": 8}', 'adapter_model.safetensors': 'x'.repeat(1000) }

const zipOf = async (bytes: BlobPart, name = 'mine.zip'): Promise<[string, string][]> => {
  const files = await unzipped(new File([bytes], name))
  return Promise.all([...files].map(async ([name, blob]) => [name, await blob.text()] as [string, string]))
}

describe('a zip', () => {
  it('that the page wrote is read', async () => {
    const files = Object.entries(texts).map(([name, input]) => ({ name: `mine/${name}`, input }))
    expect(await zipOf(await downloadZip([{ name: 'mine/' }, ...files]).blob())).to.deep.equal(
      Object.entries(texts),
    )
  })

  it('that is deflated is read', async () => {
    expect(await zipOf(deflated('a/deep/adapter_config.json', texts['adapter_config.json']))).to.deep.equal([
      ['adapter_config.json', texts['adapter_config.json']],
    ])
  })

  it('that is none, cut or damaged is refused in a sentence', async () => {
    const whole = deflated('a.json', 'a text that is deflated, '.repeat(20))
    for (const bytes of [new Uint8Array(0), new Uint8Array(100), whole.slice(0, -1), whole.slice(9)])
      expect(await userError(() => zipOf(bytes))).to.equal(
        'mine.zip is no zip, or is damaged; download it again',
      )
    const bent = whole.slice()
    bent[36] = 0xff
    expect(await userError(() => zipOf(bent))).to.match(/no zip, or is damaged/)
    const other = whole.slice()
    other[other.length - 22 - 46 - 6 + 10] = 14
    expect(await userError(() => zipOf(other))).to.match(/packed in a way that is not known here; unpack it/)
  })
})

/** A zip of one deflated file. */
function deflated(name: string, text: string): Uint8Array<ArrayBuffer> {
  const packed = deflateRawSync(text)
  const header = (signature: number, length: number, from: number) => {
    const view = new DataView(new ArrayBuffer(length))
    view.setUint32(0, signature, true)
    view.setUint16(from, 8, true)
    view.setUint32(from + 10, packed.length, true)
    view.setUint32(from + 14, text.length, true)
    view.setUint16(from + 18, name.length, true)
    return view
  }
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(10, 1, true)
  end.setUint32(16, 30 + name.length + packed.length, true)
  const parts = [header(0x04034b50, 30, 8), name, packed, header(0x02014b50, 46, 10), name, end]
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'string'
          ? Buffer.from(part)
          : Buffer.from(part.buffer, part.byteOffset, part.byteLength),
      ),
    ),
  )
}

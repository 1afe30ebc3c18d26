import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import fc from 'fast-check'

import { sizeOf } from '../../graphs/ir/shape.ts'
import { UserError } from '../../src/errors.ts'
import {
  parseSafetensorsHeader,
  readEntries,
  readSafetensorsHeader,
  readTensors,
  streamSafetensors,
  writeSafetensors,
} from '../../src/formats/safetensors.ts'
import { rejection } from '../rejection.ts'

/** A file with the given header text and as many bytes of data. */
function file(header: string | Uint8Array, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

const parse = (bytes: Uint8Array) => parseSafetensorsHeader(bytes, bytes.length, 'bad.safetensors')

/** The sentence with which `bytes` are refused. */
function refusal(bytes: Uint8Array): string {
  try {
    parse(bytes)
  } catch (error) {
    expect(error).to.be.instanceOf(UserError)
    return (error as Error).message
  }
  throw new Error('expected the file to be refused')
}

const tensor = (dtype: unknown, shape: unknown, offsets: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets })

describe('safetensors', () => {
  let place: string
  let path: string
  before(async () => {
    place = await mkdtemp(join(tmpdir(), 'ortune-safetensors-'))
    path = join(place, 'model.safetensors')
  })
  after(() => rm(place, { recursive: true }))

  describe('headers', () => {
    it('says where tensors lie, in the order of the file', () => {
      const header = `{"__metadata__":{"format":"pt"},"b":${tensor('F32', [2, 3], [4, 28])},"a":${tensor('F16', [2], [0, 4])}}`
      const { tensors, metadata } = parse(file(header, 28))
      const start = 8 + header.length
      expect(metadata).to.deep.equal({ format: 'pt' })
      expect([...tensors]).to.deep.equal([
        ['a', { dtype: 'F16', shape: [2], offset: start, length: 4 }],
        ['b', { dtype: 'F32', shape: [2, 3], offset: start + 4, length: 24 }],
      ])
    })

    it('takes scalars, empty tensors and a file of none', () => {
      const header = `{"empty":${tensor('F32', [0, 4], [0, 0])},"scalar":${tensor('I64', [], [0, 8])}}  `
      expect([...parse(file(header, 8)).tensors.keys()]).to.deep.equal(['empty', 'scalar'])
      expect(parse(file('{}')).tensors.size).to.equal(0)
    })

    const hostile: Record<string, [Uint8Array, RegExp]> = {
      'an empty file': [new Uint8Array(), /has only 0 bytes/],
      'a file shorter than the header length': [new Uint8Array(7), /has only 7 bytes/],
      'a header longer than the file': [file('{}', 0, 3n), /announces a header of 3 bytes but has only 2/],
      'a header of more than 100 MB': [
        file('{}', 0, 100_000_001n),
        /100000001 bytes, more than the 100000000/,
      ],
      'a header length beyond any number': [file('{}', 0, 2n ** 64n - 1n), /18446744073709551615 bytes/],
      'no JSON': [file('{"a":'), /its header is not JSON/],
      'no UTF-8': [file(new Uint8Array([0x7b, 0xff, 0x7d])), /its header is not JSON/],
      'JSON that is no object': [file('[]'), /not a JSON object/],
      'metadata that are no texts': [file('{"__metadata__":{"a":1}}'), /__metadata__/],
      'a tensor that is no object': [file('{"w":7}'), /tensor "w" is not described/],
      'an unknown dtype': [file(`{"w":${tensor('F33', [1], [0, 4])}}`, 4), /"w" has the unknown dtype "F33"/],
      'a dtype from the prototype': [file(`{"w":${tensor('toString', [1], [0, 4])}}`, 4), /unknown dtype/],
      'a negative dimension': [file(`{"w":${tensor('F32', [-1], [0, 4])}}`, 4), /"w" has no valid shape/],
      'half a dimension': [file(`{"w":${tensor('F32', [0.5], [0, 2])}}`, 2), /"w" has no valid shape/],
      'no offsets': [
        file(`{"w":{"dtype":"F32","shape":[1]}}`, 4),
        /"w" has no valid data_offsets but nothing/,
      ],
      'three offsets': [
        file(`{"w":${tensor('F32', [1], [0, 4, 8])}}`, 8),
        /no valid data_offsets but \[0, 4, 8\]/,
      ],
      'offsets in reverse': [file(`{"w":${tensor('F32', [1], [4, 0])}}`, 4), /"w" ends at byte 0, before/],
      'offsets beyond the file': [
        file(`{"w":${tensor('F32', [2], [0, 8])}}`, 7),
        /"w" reaches to byte 8.*truncated/,
      ],
      'a length that is not the shape': [
        file(`{"w":${tensor('F32', [2], [0, 4])}}`, 4),
        /"w" has 4 bytes where F32 \[2\] needs 8/,
      ],
      'a shape whose product overflows': [
        file(`{"w":${tensor('U8', [2 ** 53 - 1, 2 ** 53 - 1, 0], [0, 1])}}`, 1),
        /"w" has 1 bytes where/,
      ],
      'overlapping tensors': [
        file(`{"v":${tensor('F32', [2], [0, 8])},"w":${tensor('F32', [2], [4, 12])}}`, 12),
        /"w" overlaps/,
      ],
      'a hole': [
        file(`{"v":${tensor('F32', [1], [0, 4])},"w":${tensor('F32', [1], [6, 10])}}`, 10),
        /2 bytes before tensor "w"/,
      ],
      'a hole at the start': [file(`{"w":${tensor('F32', [1], [1, 5])}}`, 5), /1 bytes before tensor "w"/],
      'bytes after the last tensor': [file(`{"w":${tensor('F32', [1], [0, 4])}}`, 6), /last 2 bytes/],
      'a key twice': [
        file(`{"w":${tensor('F32', [1], [0, 4])},"\\u0077":${tensor('F32', [1], [0, 4])}}`, 4),
        /has the key "w" twice/,
      ],
      'a key of a tensor twice': [
        file('{"w":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', 4),
        /has the key "dtype" twice/,
      ],
      'deep nesting': [file('['.repeat(500_000)), /nests deeper than 8 levels/],
      'deep nesting in a tensor': [
        file(`{"w":{"dtype":"F32","shape":${'['.repeat(99)}${']'.repeat(99)},"data_offsets":[0,0]}}`),
        /nests deeper/,
      ],
      'a name that would fill the screen': [file(`{"${'w'.repeat(1000)}":1}`), /^.{60,200}$/],
    }
    for (const [name, [bytes, message]] of Object.entries(hostile))
      it(`refuses ${name}`, () => {
        const sentence = refusal(bytes)
        expect(sentence).to.match(message)
        expect(sentence).to.match(/^bad\.safetensors is not a sound safetensors file: /)
        expect(sentence).not.to.include('\n')
      })

    it('says what lies in place of the file', () => {
      const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n'
      expect(refusal(Buffer.from(pointer))).to.match(
        /^bad\.safetensors is a pointer of Git LFS .*: git lfs pull$/,
      )
      expect(refusal(Buffer.from('<!DOCTYPE html><html></html>'))).to.match(
        /it is a page of the web; copy or save/,
      )
    })

    it('refuses more tensors than any model has, soon', () => {
      const one = tensor('F32', [0], [0, 0])
      const many = Array.from({ length: 200_000 }, (_, i) => `"t${i}":${one}`).join(',')
      const before = performance.now()
      expect(refusal(file(`{${many}}`))).to.match(/it has 200000 tensors, more than the 100000 allowed/)
      expect(performance.now() - before).to.be.lessThan(5000)
    }).timeout(10_000)

    it('takes a name with quotes, backslashes, braces and colons for what it is', () => {
      const names = ['"', '\\', '\\"', '{":', '[', 'a":{"b', '__proto__', '']
      const entries = names.map((name, i) => `${JSON.stringify(name)}:${tensor('U8', [1], [i, i + 1])}`)
      const { tensors } = parse(file(`{${entries.join(',')}}`, names.length))
      expect([...tensors.keys()]).to.deep.equal(names)
    })

    it('refuses random bytes with nothing but a UserError', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, plausible) => {
          const given = plausible ? file(bytes) : bytes
          try {
            parse(given)
          } catch (error) {
            expect(error).to.be.instanceOf(UserError)
          }
        }),
        { numRuns: 2000 },
      )
    })

    it('whatever is changed in a sound file, finds the change or tensors that fill the file', () => {
      const header = `{"__metadata__":{"format":"pt"},"b":${tensor('F32', [2, 3], [4, 28])},"a":${tensor('F16', [2], [0, 4])}}`
      const sound = file(header, 28)
      const mutation = fc.record({
        at: fc.nat(sound.length - 1),
        remove: fc.nat(4),
        insert: fc.oneof(
          fc.uint8Array({ maxLength: 4 }),
          fc.constantFrom('"', ',', '9', '-', '{', ']', 'e', ':').map(encode),
        ),
        keepLength: fc.boolean(),
      })
      let refused = 0
      fc.assert(
        fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
          let bytes = sound
          for (const { at, remove, insert, keepLength } of mutations) {
            bytes = new Uint8Array([...bytes.slice(0, at), ...insert, ...bytes.slice(at + remove)])
            // Repairs the header's length, so that what is changed inside is looked at.
            const change = BigInt(insert.length - remove)
            if (keepLength && at >= 8 && at < 8 + header.length && bytes.length >= 8)
              new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length) + change, true)
          }
          try {
            const { tensors } = parse(bytes)
            const entries = [...tensors.values()]
            const used = entries.reduce((sum, { length }) => sum + length, 0)
            expect(used).to.equal(bytes.length - (entries[0]?.offset ?? bytes.length))
          } catch (error) {
            expect(error).to.be.instanceOf(UserError)
            refused++
          }
        }),
        { numRuns: 3000 },
      )
      expect(refused).to.be.greaterThan(1000)
    })
  })

  describe('files', () => {
    const tensors = fc.dictionary(
      fc.string().filter((name) => name !== '__metadata__'),
      fc
        .array(fc.nat(4), { maxLength: 3 })
        .chain((shape) =>
          fc
            .float32Array({ ...exactly(sizeOf(shape)), noNaN: true, noDefaultInfinity: true })
            .map((data) => ({ shape, data })),
        ),
      { maxKeys: 6 },
    )

    for (const unsound of [NaN, Infinity, -Infinity])
      it(`are not written with ${unsound} in them, and what was there stays`, async () => {
        const tensors = (value: number) =>
          new Map([
            ['a', { shape: [1], data: Float32Array.of(0) }],
            ['b', { shape: [3], data: Float32Array.of(1, value, 2) }],
          ])
        await writeSafetensors(path, tensors(5))
        const failure = await rejection(writeSafetensors(path, tensors(unsound)))
        expect(failure).to.be.instanceOf(UserError)
        expect(failure.message)
          .to.match(/tensor b .*finite/)
          .and.include(String(unsound))
        expect((await readTensors(path)).get('b')!.data[1]).to.equal(5)
      })

    it('come back as they were written, bit for bit, at 8-byte alignment', async () => {
      await fc.assert(
        fc.asyncProperty(
          tensors,
          fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
          async (given, metadata) => {
            const map = new Map(Object.entries(given))
            await writeSafetensors(path, map, metadata)
            const header = await readSafetensorsHeader(path)
            expect(Object.entries(header.metadata)).to.have.deep.members(Object.entries(metadata))
            const read = await readTensors(path)
            expect([...read.keys()]).to.have.members([...map.keys()])
            for (const [name, { shape, data }] of map) {
              expect(read.get(name)!.shape).to.deep.equal(shape)
              expect(bits(read.get(name)!.data)).to.deep.equal(bits(data))
            }
            const starts = [...header.tensors.values()].map(({ offset }) => offset)
            if (starts.length > 0) expect(Math.min(...starts) % 8).to.equal(0)
          },
        ),
        { numRuns: 60 },
      )
    })

    it('hold the same bytes for the same tensors, and say that PyTorch may open them', async () => {
      const one = new Map([['w', { shape: [2], data: Float32Array.of(1, -0.5) }]])
      await writeSafetensors(path, one)
      const first = readFileSync(path)
      await writeSafetensors(path, one)
      expect(readFileSync(path).equals(first)).to.equal(true)
      expect((await readSafetensorsHeader(path)).metadata).to.deep.equal({ format: 'pt' })
      expect(first.subarray(-8)).to.deep.equal(Buffer.from('0000803f000000bf', 'hex'))
    })

    it('are written tensor after tensor, each asked for in its turn', async () => {
      const shapes = new Map([
        ['b', [3]],
        ['a', [2, 2]],
      ])
      const asked: string[] = []
      await streamSafetensors(path, shapes, (name) => {
        asked.push(name)
        return new Float32Array(name === 'b' ? 3 : 4).fill(asked.length)
      })
      expect(asked).to.deep.equal(['b', 'a'])
      const read = await readTensors(path, ['a', 'b'])
      expect([...read.keys()]).to.deep.equal(['a', 'b'])
      expect([...read.get('a')!.data]).to.deep.equal([2, 2, 2, 2])
      const failure = await rejection(streamSafetensors(path, shapes, () => new Float32Array(3)))
      expect(failure.message).to.equal('tensor a: 3 values do not fill [2, 2]')
      expect((await readTensors(path)).get('a')!.data[0]).to.equal(2)
    })

    it('widen F16 and BF16 exactly, and refuse what is no float of at most 32 bits', async () => {
      const header =
        `{"half":${tensor('F16', [6], [0, 12])},"brain":${tensor('BF16', [2], [12, 16])},` +
        `"whole":${tensor('I64', [1], [16, 24])}}`
      const bytes = file(header, 24)
      // IEEE 754 binary16: 1, −2, the largest, the smallest subnormal, infinity, 1/3 rounded.
      const half = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x3555]
      const view = new DataView(bytes.buffer, 8 + header.length)
      ;[...half, 0x3f80, 0xc049].forEach((word, i) => view.setUint16(2 * i, word, true))
      writeFileSync(path, bytes)
      const read = await readTensors(path, ['half', 'brain'])
      expect([...read.get('half')!.data]).to.deep.equal([1, -2, 65504, 2 ** -24, Infinity, 0.333251953125])
      expect([...read.get('brain')!.data]).to.deep.equal([1, -3.140625])
      const error = await rejection(readTensors(path))
      expect(error).to.be.instanceOf(UserError)
      expect(error.message).to.match(/tensor "whole" is I64/)
    })

    it('are read by entry, under other names', async () => {
      await writeSafetensors(path, new Map([['long.w', { shape: [1], data: Float32Array.of(7) }]]))
      const { tensors: found } = await readSafetensorsHeader(path)
      const read = await readEntries(path, new Map([['w', found.get('long.w')!]]))
      expect([...read]).to.deep.equal([['w', { shape: [1], data: Float32Array.of(7) }]])
    })

    it('that are missing, folders, truncated or of another model are the user’s to fix', async () => {
      await writeSafetensors(path, new Map([['w', { shape: [4], data: new Float32Array(4) }]]))
      const unknown = await rejection(readTensors(path, ['v']))
      truncateSync(path, readFileSync(path).length - 1)
      const failures: [Error, RegExp][] = [
        [unknown, /has no tensor "v"/],
        [
          await rejection(readTensors(path)),
          /tensor "w" reaches to byte 16 .* has only 15: the file is truncated/,
        ],
        [await rejection(readTensors(join(place, 'absent'))), /does not exist/],
        [await rejection(readSafetensorsHeader(place)), /is a folder where a file is wanted/],
      ]
      for (const [error, message] of failures) {
        expect(error).to.be.instanceOf(UserError)
        expect(error.message).to.match(message)
      }
    })
  })
})

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function exactly(length: number): { minLength: number; maxLength: number } {
  return { minLength: length, maxLength: length }
}

function bits(data: Float32Array): number[] {
  return [...new Uint32Array(data.buffer, data.byteOffset, data.length)]
}

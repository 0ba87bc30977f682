import { describe, expect, test } from "vitest";
import type { NamedArray } from "../src/dtype.ts";
import { isCheckpointError } from "../src/errors.ts";
import { readSafetensors, type Safetensors } from "../src/safetensors.ts";
import { concatBytes, encodeUtf8 } from "../src/text.ts";
import { writeSafetensors } from "../src/write-safetensors.ts";
import { frame, randomInts } from "./support.ts";

type Random = (n: number) => number;

/** Valid files of several kinds, as starting points. */
function seeds(): Uint8Array[] {
  const f32 = (shape: number[], start: number): NamedArray => ({
    dtype: "F32",
    shape,
    values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => start + i / 7),
  });
  const mixed = new Map<string, NamedArray>([
    ["transformer.h.0.attn.weight", f32([2, 3], 1)],
    ["transformer.h.0.attn.bias", f32([3], -1)],
    ["half", { dtype: "F16", shape: [3], values: Float32Array.of(1, -2, 0.5) }],
    ["brain", { dtype: "BF16", shape: [2, 1], values: Float32Array.of(3, -0) }],
    ["ids", { dtype: "I64", shape: [2], values: BigInt64Array.of(-1n, 2n ** 60n) }],
    ["mask", { dtype: "BOOL", shape: [2, 2], values: Uint8Array.of(1, 0, 0, 1) }],
    ["empty", { dtype: "I32", shape: [0, 4], values: new Int32Array() }],
    ["scalar", { dtype: "F64", shape: [], values: Float64Array.of(Math.E) }],
    ['odd "name" é\\', { dtype: "U8", shape: [1], values: Uint8Array.of(9) }],
  ]);
  return [
    writeSafetensors(mixed),
    writeSafetensors(new Map([["w", f32([4], 0)]]), { metadata: { a: "1", b: "2" } }),
    writeSafetensors(new Map(), { metadata: {} }),
    writeSafetensors(
      new Map(
        Array.from({ length: 12 }, (_, i) => [
          `t${i}`,
          { dtype: "I16", shape: [1, 2], values: Int16Array.of(i, -i) } as NamedArray,
        ]),
      ),
    ),
  ];
}

const headerEnd = (file: Uint8Array): number => 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
const headerText = (file: Uint8Array): string => new TextDecoder().decode(file.subarray(8, headerEnd(file)));
const pick = <T>(random: Random, items: readonly T[]): T => items[random(items.length)]!;

const TOKENS = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "null",
  "-1",
  "0",
  "1e9",
  "99999999999999999999",
  '"__metadata__":{},',
  '"dtype"',
  '"F32"',
  "[[[[[[",
  '{"a":',
  "\u0000",
  "\ud800",
  "é",
  " ",
  "18446744073709551615",
  "9007199254740993",
];
const NASTY = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  1e300,
  "F32",
  "F16",
  "BOOL",
  "Q4",
  "",
  [],
  [0],
  [0, 0],
  [1, 2, 3],
  [2 ** 32, 2 ** 32],
  [-1, 1],
  ["1"],
  [[1]],
  {},
  { dtype: "F32" },
];

const mutations: Readonly<Record<string, (file: Uint8Array, random: Random, other: Uint8Array) => Uint8Array>> = {
  "flip bits": (file, random) => {
    for (let n = 1 + random(4); n > 0; n--) {
      const at = random(file.length);
      file[at] = file[at]! ^ (1 << random(8));
    }
    return file;
  },
  "replace header bytes": (file, random) => {
    for (let n = 1 + random(3); n > 0; n--) file[8 + random(headerEnd(file) - 8)] = random(256);
    return file;
  },
  cut: (file, random) => file.slice(0, random(file.length)),
  extend: (file, random) => concatBytes([file, new Uint8Array(1 + random(40)).fill(random(256))]),
  "change the length": (file, random) => {
    const view = new DataView(file.buffer);
    const length = view.getBigUint64(0, true);
    const other = pick(random, [
      0n,
      1n,
      length - 1n,
      length + 1n,
      length + 8n,
      BigInt(file.length),
      BigInt(file.length - 8),
      BigInt(file.length - 7),
      100_000_000n,
      100_000_001n,
      2n ** 31n,
      2n ** 32n + length,
      2n ** 63n,
      2n ** 64n - 1n,
      2n ** 64n - 8n,
      BigInt(random(2 ** 31)),
    ]);
    view.setBigUint64(0, other < 0n ? 0n : other, true);
    return file;
  },
  "edit the header's text": (file, random) => {
    let text = headerText(file);
    for (let n = 1 + random(3); n > 0; n--) {
      const from = random(text.length + 1);
      const to = Math.min(text.length, from + random(6));
      text =
        text.slice(0, from) +
        (random(3) > 0 ? pick(random, TOKENS) : text.slice(random(text.length), random(text.length))) +
        text.slice(to);
    }
    return frame(text, file.subarray(headerEnd(file)));
  },
  "change a digit": (file, random) => {
    const digits = [...headerText(file).matchAll(/\d/g)].map((match) => match.index);
    const text = headerText(file).split("");
    if (digits.length > 0) text[pick(random, digits)] = String(random(10));
    return frame(text.join(""), file.subarray(headerEnd(file)));
  },
  "change a field": (file, random) => {
    const header = JSON.parse(headerText(file)) as Record<string, Record<string, unknown>>;
    const name = pick(random, [...Object.keys(header), "new"]);
    const kind = random(5);
    if (kind === 0) delete header[name];
    else if (kind === 1) header[name] = pick(random, NASTY) as Record<string, unknown>;
    else
      header[name] = {
        ...header[name],
        [pick(random, ["dtype", "shape", "data_offsets", "extra"])]: pick(random, NASTY),
      };
    return frame(JSON.stringify(header), file.subarray(headerEnd(file)));
  },
  "exchange two tensors": (file, random) => {
    const header = JSON.parse(headerText(file)) as Record<string, unknown>;
    const names = Object.keys(header);
    const [a, b] = [pick(random, [...names, "x"]), pick(random, [...names, "x"])];
    [header[a], header[b]] = [header[b], header[a]];
    return frame(JSON.stringify(header), file.subarray(headerEnd(file)));
  },
  "splice two files": (file, random, other) =>
    concatBytes([file.subarray(0, random(file.length + 1)), other.subarray(random(other.length + 1))]),
  "another file's header": (file, _random, other) =>
    frame(encodeUtf8(headerText(other)), file.subarray(headerEnd(file))),
  "change data": (file, random) => {
    for (let at = headerEnd(file); at < file.length; at++) if (random(2) === 0) file[at] = random(256);
    return file;
  },
};

const NAIVE: Readonly<Record<string, readonly [number, (view: DataView, at: number) => number | bigint]>> = {
  BOOL: [1, (v, at) => v.getUint8(at)],
  U8: [1, (v, at) => v.getUint8(at)],
  I8: [1, (v, at) => v.getInt8(at)],
  I16: [2, (v, at) => v.getInt16(at, true)],
  U16: [2, (v, at) => v.getUint16(at, true)],
  I32: [4, (v, at) => v.getInt32(at, true)],
  U32: [4, (v, at) => v.getUint32(at, true)],
  F32: [4, (v, at) => v.getFloat32(at, true)],
  F64: [8, (v, at) => v.getFloat64(at, true)],
  I64: [8, (v, at) => v.getBigInt64(at, true)],
  U64: [8, (v, at) => v.getBigUint64(at, true)],
  BF16: [2, (v, at) => new Float32Array(Uint32Array.of(v.getUint16(at, true) << 16).buffer)[0]!],
  F16: [
    2,
    (v, at) => {
      const bits = v.getUint16(at, true);
      const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      if (exponent === 31) return fraction ? NaN : sign * Infinity;
      return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
    },
  ],
};

/** Compares an accepted file with a plain reading of it, element by element. */
function compare(file: Uint8Array, found: Safetensors): void {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const start = headerEnd(file);
  const header = JSON.parse(headerText(file)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const { __metadata__: metadata, ...tensors } = header;
  expect(found.metadata).toEqual(metadata ?? {});
  expect([...found.arrays.keys()].sort()).toEqual(Object.keys(tensors).sort());
  let covered = 0;
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [begin, end],
    },
  ] of Object.entries(tensors)) {
    const array = found.arrays.get(name)!;
    const [size, get] = NAIVE[dtype]!;
    const expected = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
      get(view, start + begin + i * size),
    );
    expect(expected.length * size).toBe(end - begin);
    expect(array.dtype).toBe(dtype);
    expect(array.shape).toEqual(shape);
    expect(array.values.length).toBe(expected.length);
    for (const [i, value] of expected.entries()) {
      expect(Object.is(array.values[i], value), `${name}[${i}]`).toBe(true);
    }
    covered += end - begin;
  }
  expect(start + covered).toBe(file.length);
}

const ROUNDS = 1000;

describe(`${Object.keys(mutations).length * ROUNDS} mutated files: a typed error, or the same as a plain reading`, () => {
  test.each(Object.entries(mutations))("%s", (name, mutate) => {
    const random = randomInts(name.length * 7919);
    const bases = seeds();
    let accepted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const file = mutate(pick(random, bases).slice(), random, pick(random, bases).slice());
      let found: Safetensors;
      try {
        found = readSafetensors(file);
      } catch (error) {
        if (!isCheckpointError(error)) throw error;
        expect(error.message, error.message).toMatch(/^readSafetensors: the file .{10,600}\.$/s);
        continue;
      }
      accepted++;
      compare(file, found);
    }
    if (name === "change data") expect(accepted, "damage to the data alone is no fault of the format").toBe(ROUNDS);
    else if (name === "cut" || name === "extend") expect(accepted).toBe(0);
    else expect(accepted).toBeLessThan(ROUNDS);
  });
});

test("the plain reading notices a wrong result", () => {
  const [file] = seeds();
  const found = readSafetensors(file!);
  (found.arrays.get("half")!.values as Float32Array)[1] = 2;
  expect(() => compare(file!, found)).toThrow("half[1]");
});

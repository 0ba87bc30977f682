import { describe, expect, test } from "vitest";
import { openSafetensors, readSafetensors } from "../src/safetensors.ts";
import { memorySource, type Source } from "../src/source.ts";
import { concatBytes, encodeUtf8 } from "../src/text.ts";
import { type Caught, caught, frame } from "./support.ts";

const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const read = (file: Uint8Array): Promise<Caught> => caught(() => readSafetensors(file, { file: "m.safetensors" }));
const entry = (dtype: string, shape: string, offsets: string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe("reading", () => {
  test("every element type, in the order of the data", () => {
    const parts: [string, string, Uint8Array][] = [
      ["b", "BOOL", Uint8Array.of(1, 0)],
      ["u8", "U8", Uint8Array.of(255, 7)],
      ["i8", "I8", bytesOf(Int8Array.of(-128, 127))],
      ["i16", "I16", bytesOf(Int16Array.of(-32768, 5))],
      ["u16", "U16", bytesOf(Uint16Array.of(65535, 5))],
      ["f16", "F16", bytesOf(Uint16Array.of(0x3c00, 0xc000))],
      ["bf16", "BF16", bytesOf(Uint16Array.of(0x3f80, 0xc000))],
      ["i32", "I32", bytesOf(Int32Array.of(-(2 ** 31), 5))],
      ["u32", "U32", bytesOf(Uint32Array.of(2 ** 32 - 1, 5))],
      ["f32", "F32", bytesOf(Float32Array.of(1.5, -Infinity))],
      ["f64", "F64", bytesOf(Float64Array.of(Math.PI, NaN))],
      ["i64", "I64", bytesOf(BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n))],
      ["u64", "U64", bytesOf(BigUint64Array.of(2n ** 64n - 1n, 1n))],
    ];
    let offset = 0;
    const members = parts.map(([name, dtype, data]) => {
      offset += data.length;
      return `"${name}":${entry(dtype, "[2]", `[${offset - data.length},${offset}]`)}`;
    });
    // Listed backwards, with a header length that aligns nothing.
    const { arrays } = readSafetensors(
      frame(`{${members.reverse().join(",")}} `, concatBytes(parts.map(([, , data]) => data))),
    );
    expect([...arrays].map(([name, { dtype, shape, values }]) => [name, dtype, shape, values])).toEqual([
      ["b", "BOOL", [2], Uint8Array.of(1, 0)],
      ["u8", "U8", [2], Uint8Array.of(255, 7)],
      ["i8", "I8", [2], Int8Array.of(-128, 127)],
      ["i16", "I16", [2], Int16Array.of(-32768, 5)],
      ["u16", "U16", [2], Uint16Array.of(65535, 5)],
      ["f16", "F16", [2], Float32Array.of(1, -2)],
      ["bf16", "BF16", [2], Float32Array.of(1, -2)],
      ["i32", "I32", [2], Int32Array.of(-(2 ** 31), 5)],
      ["u32", "U32", [2], Uint32Array.of(2 ** 32 - 1, 5)],
      ["f32", "F32", [2], Float32Array.of(1.5, -Infinity)],
      ["f64", "F64", [2], Float64Array.of(Math.PI, NaN)],
      ["i64", "I64", [2], BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n)],
      ["u64", "U64", [2], BigUint64Array.of(2n ** 64n - 1n, 1n)],
    ]);
  });

  test("scalars, empty tensors, no tensors, metadata, spaces and names of any kind", () => {
    const scalar = readSafetensors(
      frame(`{"__metadata__":{"format":"pt"},"s":${entry("F32", "[]", "[0,4]")}}`, bytesOf(Float32Array.of(7))),
    );
    expect(scalar.metadata).toEqual({ format: "pt" });
    expect(scalar.arrays.get("s")).toEqual({ dtype: "F32", shape: [], values: Float32Array.of(7) });
    const empty = readSafetensors(
      frame(`{"e":${entry("F32", "[3,0,2]", "[0,0]")},"f":${entry("I64", "[0]", "[0,0]")}}`),
    );
    expect([...empty.arrays.values()].map(({ values }) => values.length)).toEqual([0, 0]);
    expect(readSafetensors(frame("{}      ")).arrays.size).toBe(0);
    const names = ["__proto__", "constructor", "", "1", 'é \\u0041 \\" 日本'];
    const file = frame(
      `{${names.map((name, i) => ` "${name}"\n:\t${entry("U8", "[1]", `[${i},${i + 1}]`)}`).join(",")}}\n`,
      Uint8Array.of(0, 1, 2, 3, 4),
    );
    expect([...readSafetensors(file).arrays].map(([name, { values }]) => [name, values[0]])).toEqual([
      ["__proto__", 0],
      ["constructor", 1],
      ["", 2],
      ["1", 3],
      ['é A " 日本', 4],
    ]);
  });

  test("values are copies: changing the file changes nothing", () => {
    const file = frame(`{"a":${entry("U8", "[2]", "[0,2]")}}`, Uint8Array.of(1, 2));
    const { arrays } = readSafetensors(file);
    file.fill(9);
    expect(arrays.get("a")?.values).toEqual(Uint8Array.of(1, 2));
  });

  test("one tensor at a time reads the header and that tensor only", async () => {
    const file = frame(
      `{"a":${entry("U8", "[2]", "[0,2]")},"b":${entry("F16", "[1]", "[2,4]")}}`,
      Uint8Array.of(1, 2, 0, 0x3c),
    );
    const reads: [number, number][] = [];
    const source: Source = {
      size: file.length,
      read: async (offset, length) => {
        reads.push([offset, length]);
        return file.slice(offset, offset + length);
      },
    };
    const opened = await openSafetensors(source, { file: "m.safetensors" });
    const header = file.length - 12;
    expect([...opened.entries.keys()]).toEqual(["a", "b"]);
    expect(opened.entries.get("b")).toEqual({ dtype: "F16", shape: [1], begin: header + 10, end: header + 12 });
    expect(await opened.read("b")).toEqual({ dtype: "F16", shape: [1], values: Float32Array.of(1) });
    expect(reads).toEqual([
      [0, 8],
      [8, header],
      [header + 10, 2],
    ]);
    expect(await caught(() => opened.read("c"))).toMatchInlineSnapshot(`
      {
        "code": "missing",
        "message": "read: tensor "c" is not in m.safetensors, expected one of its tensors: "a", "b". Check the name map of the model.",
      }
    `);
  });

  test("a source that gives less than asked, or fails", async () => {
    const file = frame(`{"a":${entry("U8", "[2]", "[0,2]")}}`, Uint8Array.of(1, 2));
    const short = memorySource(file);
    const opened = await openSafetensors(
      { size: file.length, read: (offset, length) => short.read(offset, offset > 8 ? length - 1 : length) },
      { file: "m.safetensors" },
    );
    expect(await caught(() => opened.read("a"))).toMatchInlineSnapshot(`
      {
        "code": "truncated",
        "message": "read: m.safetensors gave too few bytes at offset 61, expected 2, got 1. It is cut short or changed while being read; read it again.",
      }
    `);
    const failing = { size: 100, read: () => Promise.reject(new Error("EIO: i/o error")) };
    expect(await caught(() => openSafetensors(failing, { file: "m.safetensors" }))).toMatchInlineSnapshot(`
      {
        "code": "storage",
        "message": "openSafetensors: m.safetensors could not be read: EIO: i/o error. Check the path, its permissions and the disk.",
      }
    `);
  });
});

describe("refused, each with its message", () => {
  const good = entry("F32", "[2]", "[0,8]");
  const data = new Uint8Array(8);

  test("shorter than eight bytes", async () =>
    expect(await read(new Uint8Array(7))).toMatchInlineSnapshot(`
    {
      "code": "truncated",
      "message": "readSafetensors: m.safetensors is too short, expected at least 8 bytes, got 7. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("an empty file", async () =>
    expect(await read(new Uint8Array())).toMatchInlineSnapshot(`
    {
      "code": "truncated",
      "message": "readSafetensors: m.safetensors is too short, expected at least 8 bytes, got 0. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a header longer than the file", async () =>
    expect(await read(frame("{}", data, 11n))).toMatchInlineSnapshot(`
    {
      "code": "truncated",
      "message": "readSafetensors: m.safetensors announces a header longer than itself, expected at most 10 bytes, got 11. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a header longer than 100 MB", async () =>
    expect(await read(frame("{}", data, 100_000_001n))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors announces too long a header, expected at most 100000000 bytes, got 100000001. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a header of 2^64 - 1 bytes", async () =>
    expect(await read(frame("{}", data, 2n ** 64n - 1n))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors announces too long a header, expected at most 100000000 bytes, got 18446744073709551615. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("no header", async () =>
    expect(await read(frame(""))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that starts wrongly, expected "{", got an empty header. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a header that starts with a space", async () =>
    expect(await read(frame(" {}"))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that starts wrongly, expected "{", got byte 32. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a header that starts with a byte order mark", async () =>
    expect(await read(frame("\ufeff{}"))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that starts wrongly, expected "{", got byte 239. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a list", async () =>
    expect(await read(frame("[]"))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that starts wrongly, expected "{", got byte 91. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("invalid UTF-8", async () =>
    expect(await read(frame(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that is not valid UTF-8. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("overlong UTF-8", async () =>
    expect((await read(frame(Uint8Array.of(0x7b, 0x22, 0xc0, 0x80, 0x22, 0x7d)))).code).toBe("header"));
  test("a header cut in the middle", async () =>
    expect(await read(frame('{"a":{"dtype":"F32","sha'))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that is not valid: string without end at character 24. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("padding of zeros", async () =>
    expect(await read(frame("{}\0\0"))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that is not valid: expected the end, got "\\u0000" at character 2. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("duplicate tensors", async () =>
    expect(await read(frame(`{"a":${good},"a":${good}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that is not valid: duplicate key "a" at character 54. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("duplicate keys of a tensor", async () =>
    expect(
      await read(frame(`{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, data)),
    ).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that is not valid: duplicate key "dtype" at character 20. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("duplicate metadata", async () =>
    expect((await read(frame(`{"__metadata__":{},"__metadata__":{},"a":${good}}`, data))).message).toContain(
      'duplicate key "__metadata__"',
    ));
  test("a nesting bomb", async () =>
    expect(await read(frame(`{"a":${"[".repeat(1_000_000)}`))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that is not valid: nesting deeper than 3 at character 7. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("metadata that is no text", async () =>
    expect(await read(frame(`{"__metadata__":{"a":1},"a":${good}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a wrong __metadata__, expected an object of strings, got {"a":1}. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("metadata that is null", async () =>
    expect(await read(frame(`{"__metadata__":null,"a":${good}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a wrong __metadata__, expected an object of strings, got null. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a tensor that is no object", async () =>
    expect(await read(frame('{"a":[1]}'))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: expected an object, got [1]. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("an unknown key", async () =>
    expect(
      await read(frame(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":[1]}}`, data)),
    ).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: unknown key, expected dtype, shape and data_offsets, got "stride". The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a missing key", async () =>
    expect(await read(frame(`{"a":{"dtype":"F32","data_offsets":[0,8]}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: wrong shape, expected an array of integers, got undefined. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("an unknown dtype", async () =>
    expect(await read(frame(`{"a":${entry("F8_E4M3", "[8]", "[0,8]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "dtype",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: unknown dtype, expected one of BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64, got "F8_E4M3". Convert the tensor to one of these.",
    }
  `));
  test("a dtype that is a property of every object", async () =>
    expect((await read(frame(`{"a":${entry("constructor", "[8]", "[0,8]")}}`, data))).code).toBe("dtype"));
  test("a negative axis", async () =>
    expect(await read(frame(`{"a":${entry("F32", "[-2]", "[0,8]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors has a header that is not valid: expected an integer from 0 to 9007199254740991, got -2 at character 29. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a fractional axis", async () =>
    expect((await read(frame(`{"a":${entry("F32", "[2.0]", "[0,8]")}}`, data))).code).toBe("header"));
  test("a shape that is no list", async () =>
    expect(await read(frame(`{"a":${entry("F32", "8", "[0,8]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: wrong shape, expected an array of integers, got 8. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a shape of lists", async () =>
    expect((await read(frame(`{"a":${entry("F32", '["2"]', "[0,8]")}}`, data))).code).toBe("header"));
  test("one offset", async () =>
    expect(await read(frame(`{"a":${entry("F32", "[2]", "[8]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "header",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: wrong data_offsets, expected two integers, got [8]. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("three offsets", async () =>
    expect((await read(frame(`{"a":${entry("F32", "[2]", "[0,8,8]")}}`, data))).code).toBe("header"));
  test("offsets backwards", async () =>
    expect(await read(frame(`{"a":${entry("F32", "[2]", "[8,0]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "offsets",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: data_offsets disagree with shape [2] of F32, expected 8 bytes, got -8 ([8,0]). The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("offsets that disagree with the shape", async () =>
    expect(await read(frame(`{"a":${entry("F32", "[3]", "[0,8]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "offsets",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: data_offsets disagree with shape [3] of F32, expected 12 bytes, got 8 ([0,8]). The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a size that overflows 2^64", async () =>
    expect(
      await read(frame(`{"a":${entry("F64", "[4294967296,4294967296,4294967296]", "[0,8]")}}`, data)),
    ).toMatchInlineSnapshot(`
    {
      "code": "offsets",
      "message": "readSafetensors: m.safetensors describes tensor "a" wrongly: size overflow, expected less than 2^53 bytes, got shape [4294967296,4294967296,4294967296] of F64. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a size that overflows to zero in 64 bits", async () =>
    expect((await read(frame(`{"a":${entry("U8", "[4294967296,4294967296]", "[0,0]")}}`))).code).toBe("offsets"));
  test("10 GB declared in a small file", async () =>
    expect(await read(frame(`{"a":${entry("F32", "[2500000000]", "[0,10000000000]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "truncated",
      "message": "readSafetensors: m.safetensors is cut short, expected 10000000081 bytes (from its header), got 89. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("data cut short", async () =>
    expect(await read(frame(`{"a":${good}}`, data.subarray(1)))).toMatchInlineSnapshot(`
    {
      "code": "truncated",
      "message": "readSafetensors: m.safetensors is cut short, expected 70 bytes (from its header), got 69. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("bytes after the data", async () =>
    expect(await read(frame(`{"a":${good}}`, new Uint8Array(9)))).toMatchInlineSnapshot(`
    {
      "code": "offsets",
      "message": "readSafetensors: m.safetensors has bytes after its last tensor, expected 70 bytes (from its header), got 71. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("bytes after an empty header", async () =>
    expect((await read(frame("{}", new Uint8Array(1)))).code).toBe("offsets"));
  test("overlap", async () =>
    expect(await read(frame(`{"a":${good},"b":${entry("F32", "[1]", "[4,8]")}}`, data))).toMatchInlineSnapshot(`
    {
      "code": "offsets",
      "message": "readSafetensors: m.safetensors has a data section that is not contiguous: tensor "b" overlaps the one before, expected its data at 8, got 4. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("the same bytes twice", async () =>
    expect((await read(frame(`{"a":${good},"b":${good}}`, data))).code).toBe("offsets"));
  test("a hole", async () =>
    expect(
      await read(frame(`{"a":${good},"b":${entry("U8", "[1]", "[9,10]")}}`, new Uint8Array(10))),
    ).toMatchInlineSnapshot(`
    {
      "code": "offsets",
      "message": "readSafetensors: m.safetensors has a data section that is not contiguous: tensor "b" leaves a hole before it, expected its data at 8, got 9. The file is damaged or not a safetensors file; download or save it again.",
    }
  `));
  test("a hole at the start", async () =>
    expect((await read(frame(`{"a":${entry("F32", "[1]", "[4,8]")}}`, data))).message).toContain(
      "leaves a hole before it, expected its data at 0, got 4",
    ));
  test("a name that is very long is cut in the message", async () =>
    expect((await read(frame(`{"${"n".repeat(10_000)}":1}`))).message.length).toBeLessThan(400));
  test("opening refuses the same", async () => {
    const files = [
      new Uint8Array(3),
      frame("{}", data),
      frame(`{"a":${good}}`, data.subarray(1)),
      frame(encodeUtf8("{"), data, 2n ** 60n),
    ];
    for (const file of files) {
      const whole = await read(file);
      const lazy = await caught(() => openSafetensors(memorySource(file), { file: "m.safetensors" }));
      expect(lazy).toEqual({ code: whole.code, message: whole.message.replace("readSafetensors", "openSafetensors") });
    }
  });
});

import { describe, expect, test } from "vitest";
import type { NamedArray } from "../src/dtype.ts";
import { toFloat32, toInt32, withFloatDType } from "../src/dtype.ts";
import { readSafetensors } from "../src/safetensors.ts";
import { encodeSafetensors, writeSafetensors } from "../src/write-safetensors.ts";
import { caught } from "./support.ts";

const f32 = (...values: number[]): NamedArray => ({
  dtype: "F32",
  shape: [values.length],
  values: Float32Array.from(values),
});
const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

// Expected bytes from the tests of the reference implementation (safetensors, Rust crate, tensor.rs).
test("the reference's bytes for one tensor, with and without padding", () => {
  const attn = (shape: number[]): NamedArray => ({ dtype: "F32", shape, values: Float32Array.of(0, 1, 2, 3, 4, 5) });
  const aligned = writeSafetensors(new Map([["attn.0", attn([1, 2, 3])]]), { metadata: {} });
  expect(text(aligned.subarray(0, 72))).toBe(
    '@\0\0\0\0\0\0\0{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}',
  );
  expect([...aligned.subarray(72)]).toEqual([
    0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64,
  ]);
  const padded = writeSafetensors(new Map([["attn0", attn([1, 1, 2, 3])]]), { metadata: {} });
  expect(text(padded.subarray(0, 80))).toBe(
    'H\0\0\0\0\0\0\0{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ',
  );
});

test("the reference's bytes for no tensors", () => {
  expect([...writeSafetensors(new Map(), { metadata: {} })]).toEqual([
    8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32,
  ]);
  expect(text(writeSafetensors(new Map(), { metadata: { framework: "pt" } }))).toBe(
    '(\0\0\0\0\0\0\0{"__metadata__":{"framework":"pt"}}     ',
  );
});

test("tensors are ordered by element type, widest first, then by name; the order of adding does not matter", () => {
  const arrays: [string, NamedArray][] = [
    ["u8", { dtype: "U8", shape: [1], values: Uint8Array.of(1) }],
    ["\u{10000}", f32(1)],
    ["\uffff", f32(2)],
    ["b", f32(3)],
    ["B", f32(4)],
    ["i64", { dtype: "I64", shape: [1], values: BigInt64Array.of(-5n) }],
    ["i32", { dtype: "I32", shape: [1], values: Int32Array.of(6) }],
    ["f16", { dtype: "F16", shape: [1], values: Float32Array.of(7) }],
    ["bf16", { dtype: "BF16", shape: [1], values: Float32Array.of(8) }],
    ["bool", { dtype: "BOOL", shape: [1], values: Uint8Array.of(1) }],
    ["i8", { dtype: "I8", shape: [1], values: Int8Array.of(-8) }],
    ["i16", { dtype: "I16", shape: [1], values: Int16Array.of(-16) }],
    ["u16", { dtype: "U16", shape: [1], values: Uint16Array.of(16) }],
    ["u32", { dtype: "U32", shape: [1], values: Uint32Array.of(32) }],
    ["f64", { dtype: "F64", shape: [1], values: Float64Array.of(64) }],
    ["u64", { dtype: "U64", shape: [1], values: BigUint64Array.of(64n) }],
  ];
  const bytes = writeSafetensors(new Map(arrays));
  expect([...readSafetensors(bytes).arrays.keys()]).toEqual([
    // As safetensors 0.8.0 for Python orders them.
    "u64",
    "i64",
    "f64",
    "B",
    "b",
    "\uffff",
    "\u{10000}",
    "u32",
    "i32",
    "bf16",
    "f16",
    "u16",
    "i16",
    "i8",
    "u8",
    "bool",
  ]);
  expect(writeSafetensors(new Map([...arrays].reverse()))).toEqual(bytes);
  expect(readSafetensors(bytes).arrays).toEqual(new Map(arrays));
});

test("names and metadata are escaped as the reference does, and come back", () => {
  const metadata = { z: "1", format: "pt", 'q"\\': "line\nfeed\u0001 é\u007f" };
  const bytes = writeSafetensors(new Map([["né\t", f32(1)]]), { metadata });
  expect(new TextDecoder().decode(bytes.subarray(8)).split("}")[0]).toBe(
    '{"__metadata__":{"format":"pt","q\\"\\\\":"line\\nfeed\\u0001 é\u007f","z":"1"',
  );
  expect(readSafetensors(bytes)).toEqual({ arrays: new Map([["né\t", f32(1)]]), metadata });
  expect(readSafetensors(writeSafetensors(new Map())).metadata).toEqual({ format: "pt" });
});

test("pieces are the same bytes, can be had twice, and share the memory of what needs no conversion", () => {
  const values = Float32Array.of(1, 2);
  const pieces = encodeSafetensors(new Map([["a", { dtype: "F32", shape: [2], values }]]));
  const [, data] = [...pieces];
  expect(data?.buffer).toBe(values.buffer);
  expect([...pieces].map((piece) => piece.length)).toEqual([96, 8]);
});

test("F16 and BF16 are rounded on writing, to nearest even", () => {
  // 1 + 2^-11 is half way between two float16 values; 1 + 3 * 2^-11 half way to the next.
  const values = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, -1e-9);
  const arrays = new Map([["a", { dtype: "F32", shape: [4], values } satisfies NamedArray]]);
  const f16 = readSafetensors(writeSafetensors(withFloatDType(arrays, "F16"))).arrays.get("a");
  expect(f16).toEqual({ dtype: "F16", shape: [4], values: Float32Array.of(1, 1 + 2 ** -9, Infinity, -0) });
  const bf16 = readSafetensors(writeSafetensors(withFloatDType(arrays, "BF16"))).arrays.get("a");
  expect(bf16?.values).toEqual(Float32Array.of(1, 1, 65536, -(137 * 2 ** -37)));
  expect(
    withFloatDType(new Map([["i", { dtype: "I32", shape: [0], values: new Int32Array() }]]), "F16").get("i")?.dtype,
  ).toBe("I32");
});

describe("refused, each with its message", () => {
  const write = (array: unknown, name = "w"): ReturnType<typeof caught> =>
    caught(() => writeSafetensors(new Map([[name, array as NamedArray]])));
  test("values of another class", async () =>
    expect(await write({ dtype: "F32", shape: [1], values: [1] })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: tensor "w" has wrong values for dtype F32, expected a Float32Array, got [1].",
    }
  `));
  test("float64 values for F32", async () =>
    expect(await write({ dtype: "F32", shape: [1], values: Float64Array.of(1) })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: tensor "w" has wrong values for dtype F32, expected a Float32Array, got a Float64Array.",
    }
  `));
  test("an unknown dtype", async () =>
    expect(await write({ dtype: "float32", shape: [1], values: Float32Array.of(1) })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: tensor "w" has an unknown dtype, expected one of BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64, got "float32".",
    }
  `));
  test("a shape of another size", async () =>
    expect(await write({ dtype: "F32", shape: [2, 3], values: new Float32Array(5) })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: tensor "w" has another number of values than its shape [2,3], expected 6, got 5.",
    }
  `));
  test("a wrong shape", async () =>
    expect(await write({ dtype: "F32", shape: [-1], values: new Float32Array(1) })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: tensor "w" has a wrong shape, expected an array of integers from 0, got [-1].",
    }
  `));
  test("a shape beyond 2^53", async () =>
    expect((await write({ dtype: "F32", shape: [2 ** 40, 2 ** 40, 0], values: new Float32Array(0) })).code).toBe(
      "value",
    ));
  test("the reserved name", async () =>
    expect(await write(f32(1), "__metadata__")).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: a tensor is called "__metadata__", expected another name, because the format reserves it. Rename the tensor.",
    }
  `));
  test("an unpaired surrogate", async () =>
    expect(await write(f32(1), "\ud800")).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: the string "\\ud800" has an unpaired surrogate, expected valid Unicode in names and metadata. Rename it.",
    }
  `));
  test("a name that only looks like one", async () =>
    expect(await write(f32(1), "\\ud800")).toEqual({ code: "none", message: "" }));
  test("metadata that is no text", async () => {
    const metadata = { step: 3 } as unknown as Record<string, string>;
    expect(await caught(() => writeSafetensors(new Map(), { metadata }))).toMatchInlineSnapshot(`
      {
        "code": "value",
        "message": "writeSafetensors: metadata "step" has a wrong value, expected a string, got 3. Convert it to text.",
      }
    `);
  });
});

describe("conversion", () => {
  test("toFloat32", async () => {
    const values = Float32Array.of(1);
    expect(toFloat32({ dtype: "BF16", shape: [1], values })).toBe(values);
    expect(toFloat32({ dtype: "F64", shape: [1], values: Float64Array.of(0.1) })).toEqual(Float32Array.of(0.1));
    expect(
      await caught(() => toFloat32({ dtype: "I32", shape: [1], values: Int32Array.of(1) }, "ids")),
    ).toMatchInlineSnapshot(`
      {
        "code": "dtype",
        "message": "toFloat32: tensor "ids" has dtype I32, expected F32, F16, BF16 or F64. Use toInt32 for integers.",
      }
    `);
  });
  test("toInt32", async () => {
    expect(toInt32({ dtype: "I64", shape: [3], values: BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n, 0n) })).toEqual(
      Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0),
    );
    expect(toInt32({ dtype: "BOOL", shape: [2], values: Uint8Array.of(0, 1) })).toEqual(Int32Array.of(0, 1));
    for (const value of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n, 2n ** 53n + 1n, -(2n ** 63n)]) {
      expect((await caught(() => toInt32({ dtype: "I64", shape: [1], values: BigInt64Array.of(value) }))).code).toBe(
        "value",
      );
    }
    expect(
      await caught(() => toInt32({ dtype: "U32", shape: [2], values: Uint32Array.of(1, 2 ** 31) }, "ids")),
    ).toMatchInlineSnapshot(`
      {
        "code": "value",
        "message": "toInt32: tensor "ids" has an element beyond int32, expected -2147483648 to 2147483647, got 2147483648 (element 1). Read its values as U32.",
      }
    `);
    expect(
      await caught(() => toInt32({ dtype: "F32", shape: [1], values: Float32Array.of(1) }, "ids")),
    ).toMatchInlineSnapshot(`
      {
        "code": "dtype",
        "message": "toInt32: tensor "ids" has dtype F32, expected an integer type or BOOL. Use toFloat32 for floating point.",
      }
    `);
  });
});

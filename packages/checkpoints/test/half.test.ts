import { describe, expect, test } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "../src/half.ts";

const ALL = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** The value of a small float format by its definition, in float64. */
function byDefinition(bits: number, exponentBits: number, fractionBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = bits & (2 ** fractionBits - 1);
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * 2 ** (1 - bias) * (fraction / 2 ** fractionBits);
  return sign * 2 ** (exponent - bias) * (1 + fraction / 2 ** fractionBits);
}

/** The float32 next to `value` in the direction of `step` (+1 away from zero, -1 towards it). */
function neighbor(value: number, step: number): number {
  const f = new Float32Array([value]);
  const bits = new Uint32Array(f.buffer);
  bits[0] = (bits[0] ?? 0) + step;
  return f[0] ?? NaN;
}

describe.each([
  { name: "float16", exponentBits: 5, widen: float16ToFloat32, narrow: float32ToFloat16, largest: 0x7bff },
  { name: "bfloat16", exponentBits: 8, widen: bfloat16ToFloat32, narrow: float32ToBfloat16, largest: 0x7f7f },
])("$name", ({ exponentBits, widen, narrow, largest }) => {
  const fractionBits = 15 - exponentBits;
  const wide = widen(ALL);
  const signs = new Uint32Array(wide.buffer);

  test("all 65,536 patterns widen to the value of the definition, with its sign", () => {
    for (let i = 0; i < 65536; i++) {
      expect(
        Object.is(wide[i], byDefinition(i, exponentBits, fractionBits)) || !Number.isFinite(wide[i]),
        `pattern ${i}`,
      ).toBe(true);
      if (!Number.isFinite(wide[i])) expect(wide[i]).toEqual(byDefinition(i, exponentBits, fractionBits));
      expect((signs[i] ?? 0) >>> 31).toBe(i >>> 15);
    }
  });

  test("all 65,536 patterns come back from float32 unchanged, NaN payloads too", () => {
    expect(narrow(wide)).toEqual(ALL);
  });

  test("between all neighbors: half way goes to even, a bit less or more to the nearer one", () => {
    const inputs: number[] = [];
    const expected: number[] = [];
    for (const sign of [0, 0x8000]) {
      for (let low = 0; low < largest; low++) {
        const middle = ((wide[sign + low] ?? 0) + (wide[sign + low + 1] ?? 0)) / 2;
        inputs.push(middle, neighbor(middle, -1), neighbor(middle, 1));
        expected.push(sign + (low % 2 === 0 ? low : low + 1), sign + low, sign + low + 1);
      }
    }
    expect(
      Float32Array.from(inputs).every((value, i) => value === inputs[i]),
      "every middle is a float32",
    ).toBe(true);
    expect(narrow(Float32Array.from(inputs))).toEqual(Uint16Array.from(expected));
  });

  test("beyond the largest value: infinity from half a step on", () => {
    const top = wide[largest] ?? 0;
    const step = top - (wide[largest - 1] ?? 0);
    const edge = top + step / 2;
    const inputs = Float32Array.of(neighbor(Math.fround(edge), -1), edge, -edge, Infinity, -Infinity);
    expect([...narrow(inputs)]).toEqual([
      largest,
      largest + 1,
      0x8000 + largest + 1,
      largest + 1,
      0x8000 + largest + 1,
    ]);
  });

  test("NaN stays NaN also where its payload is cut off, zero keeps its sign", () => {
    const bits = Uint32Array.of(0x7f800001, 0xff800001, 0x7fc00000, 0x00000000, 0x80000000);
    const half = narrow(new Float32Array(bits.buffer));
    const again = widen(half);
    expect([...again].map(Number.isNaN)).toEqual([true, true, true, false, false]);
    expect([half[0]! >> 15, half[1]! >> 15, half[3], half[4]]).toEqual([0, 1, 0, 0x8000]);
  });

  test("a view into a larger buffer is converted by itself", () => {
    const values = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    expect([...widen(narrow(values))]).toEqual([1, 2]);
  });
});

test("known float16 patterns", () => {
  // IEEE 754 binary16: one, the largest number, the smallest normal, the smallest subnormal, one third, -2.
  const values = Float32Array.of(1, 65504, 2 ** -14, 2 ** -24, 1 / 3, -2);
  expect([...float32ToFloat16(values)]).toEqual([0x3c00, 0x7bff, 0x0400, 0x0001, 0x3555, 0xc000]);
});

test("known bfloat16 patterns", () => {
  const values = Float32Array.of(1, -2, 3.140625, 1 / 3, 1.00390625, 1.01171875);
  expect([...float32ToBfloat16(values)]).toEqual([0x3f80, 0xc000, 0x4049, 0x3eab, 0x3f80, 0x3f82]);
});

import { arange, data, dataSync, referenceBackend, tensor, useBackend, zeros } from "@heed/tensor";
import { expectGolden, golden } from "@heed/test-tools";
import { describe, expect, test } from "vitest";
import { sinusoidal } from "../src/index.ts";
import { type PositionTraits, positionContract } from "../src/testing.ts";

useBackend(referenceBackend());

/** Section 3.5: PE(p, 2i) = sin(p / 10000^(2i/d)), PE(p, 2i+1) = cos(p / 10000^(2i/d)), here d = 4. */
const row = (p: number, base = 10000) => [
  Math.sin(p),
  Math.cos(p),
  Math.sin(p / base ** 0.5),
  Math.cos(p / base ** 0.5),
];

const traits: PositionTraits = {
  width: 4,
  relative: false,
  maxSeqLen: 500,
  other: () => sinusoidal({ base: 20 }),
  published: [
    {
      hook: "embed",
      positions: [0, 1, 7],
      x: new Array<number>(12).fill(0),
      expected: [0, 1, 7].flatMap((p) => row(p)),
      tolerance: 1e-12,
    },
  ],
};

for (const { name, run } of positionContract(() => sinusoidal(), traits)) test(name, run);

test("the base sets the wavelengths", () => {
  const y = dataSync(
    sinusoidal({ base: 20 }).embed!(zeros([1, 1, 4], { dtype: "float64" }), tensor([3], { dtype: "int32" })),
  );
  row(3, 20).forEach((expected, i) => expect(y[i]).toBeCloseTo(expected, 12));
});

test("positions may differ by row", () => {
  const position = sinusoidal();
  const y = dataSync(position.embed!(zeros([2, 1, 4], { dtype: "float64" }), tensor([[5], [2]], { dtype: "int32" })));
  [...row(5), ...row(2)].forEach((expected, i) => expect(y[i]).toBeCloseTo(expected, 12));
});

const fixture = golden("unit-positions");
describe.skipIf(!fixture)("golden", () => {
  test("sinusoid_interleaved", async () => {
    const table = sinusoidal().embed!(zeros([1, 50, 32]), arange(0, 50));
    expectGolden(await data(table), fixture!.find("sinusoid_interleaved").outputs.table, "table");
  });
});

test("names what does not fit", () => {
  expect(() => sinusoidal({ base: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sinusoidal: base is out of range, expected a finite number > 1, got 1]`,
  );
  expect(() => sinusoidal().embed!(zeros([1, 1, 3]), arange(0, 1))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sinusoidal: x has width 3, expected an even number. Sines and cosines come in pairs]`,
  );
  expect(() => sinusoidal().embed!(zeros([1, 2, 4]), arange(0, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: sinusoidal: positions has shape [3], expected [T] or [B, T] (from x [1, 2, 4])]`,
  );
});

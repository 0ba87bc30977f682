import { expect, test } from "vitest";
import * as heed from "../../src/index.ts";
import { expectSameBitsOnThreads } from "./check.ts";
import { builds, makeBackend } from "./harness.ts";

const reference = heed.createReferenceBackend();

test.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 33, 16_384, 16_385, 40_003])(
  "%i uniform numbers are those of the reference, bit for bit",
  (size) => {
    for (const seed of [0, 1, 2 ** 53 - 1, 123_456_789_012]) {
      const expected = heed.dataSync(heed.uniform([size], { rng: heed.rng(seed), backend: reference }));
      for (const { options } of builds) {
        const backend = makeBackend({ ...options, threads: 1, strict: true });
        const rng = heed.rng(seed);
        expect(heed.dataSync(heed.uniform([size], { rng, backend }))).toEqual(expected);
        if (size > 4)
          expect(heed.dataSync(heed.uniform([size], { rng, backend })), "the next stream").not.toEqual(expected);
        backend.close();
      }
    }
  },
);

test("a known answer: key and counters zero", () => {
  // Threefry-2x32-20 of zeros is 6b200159 99ba4efe, from the authors' known answers (Random123, kat_vectors).
  const backend = makeBackend({ threads: 1 });
  const [a, b] = heed.dataSync(heed.uniform([2], { rng: heed.rng(0), backend }));
  expect([a, b]).toEqual([(0x6b200159 >>> 8) * 2 ** -24, (0x99ba4efe >>> 8) * 2 ** -24]);
  backend.close();
});

test("the same bits on one, two and three threads", () => {
  expectSameBitsOnThreads((x) => heed.uniform([100_003], { rng: heed.rng(7), backend: x.backend }), {
    shape: [1],
    values: new Float32Array(1),
  });
});

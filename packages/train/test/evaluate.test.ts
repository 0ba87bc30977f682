import { countBuffers, fromArray, referenceBackend, sum, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import { evaluate } from "../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

/** A batch is its mean loss and the number of targets it is over. */
const of = (batches: readonly (readonly [loss: number, targets: number])[]) => ({
  batches,
  loss: ([loss]: readonly [number, number]) => sum(fromArray([loss], [1], { dtype: "float32" })),
  targets: ([, targets]: readonly [number, number]) => targets,
});

test("the mean is over targets, not over batches", async () => {
  const { loss, perplexity, targets } = await evaluate(
    of([
      [1, 3],
      [5, 1],
    ]),
  );
  expect({ loss, targets }).toEqual({ loss: 2, targets: 4 });
  expect(perplexity).toBeCloseTo(Math.exp(2), 12);
});

test("a batch without targets is not computed, and none at all is an error", async () => {
  expect(
    (
      await evaluate(
        of([
          [Number.NaN, 0],
          [2, 2],
        ]),
      )
    ).loss,
  ).toBe(2);
  await expect(evaluate(of([[1, 0]]))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: evaluate: batches has no targets, expected at least one. Give a longer text]`,
  );
  await expect(evaluate(of([]))).rejects.toThrow(RangeError);
});

test("leaves no buffer behind", async () => {
  const before = { ...countBuffers() };
  await evaluate(
    of([
      [1, 3],
      [5, 1],
    ]),
  );
  expect({ ...countBuffers() }).toEqual(before);
});

test("an aborted evaluation gives no figure", async () => {
  const controller = new AbortController();
  const batches = (function* () {
    yield [1, 1] as const;
    controller.abort();
    yield [1, 1] as const;
  })();
  const options = { ...of([]), batches, signal: controller.signal };
  await expect(evaluate(options)).rejects.toHaveProperty("name", "AbortError");
});

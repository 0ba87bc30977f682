import { parameters } from "@heed/nn";
import { sgd } from "@heed/optim";
import { countBuffers, dataSync, dispose, fromArray, mean, multiply, type Tensor, useBackend } from "@heed/tensor";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isDivergedError, type TrainingStep, train } from "../src/index.ts";
import { backends, batchAt, lossOf, tinyModel, tinyRun } from "./tiny.ts";

async function collect(steps: AsyncIterable<TrainingStep>): Promise<TrainingStep[]> {
  const all: TrainingStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}

/** Loss w^2 averaged over a batch of factors: gradient 2 w mean(factor), computed by hand below. */
function scalarProblem(start: number) {
  const w = fromArray([start], [1], { dtype: "float32" });
  const loss = (factors: readonly number[]): Tensor =>
    mean(multiply(multiply(w, w), fromArray(Float32Array.from(factors), [factors.length])));
  return { w, loss };
}

describe.each(backends)("train on %s", (_, make) => {
  beforeEach(() => void useBackend(make()));

  test("one update of plain descent is the one computed by hand", async () => {
    const { w, loss } = scalarProblem(3);
    const optimizer = sgd({ parameters: [w], learningRate: 0.25 });
    const [step] = await collect(train({ optimizer, loss, nextBatch: () => [1], steps: 1 }));
    expect(step).toEqual({ step: 1, loss: 9, learningRate: 0.25, gradientNorm: 6 });
    expect(dataSync(w)[0]).toBe(3 - 0.25 * 6);
  });

  test("accumulating batches equals one batch of all their rows", async () => {
    const runs = [1, 2].map((accumulate) => {
      const { w, loss } = scalarProblem(2);
      const batches =
        accumulate === 1
          ? [[1, 3, 5, 7]]
          : [
              [1, 3],
              [5, 7],
            ];
      const optimizer = sgd({ parameters: [w], learningRate: 0.125 });
      return { w, steps: collect(train({ optimizer, loss, nextBatch: () => batches.shift()!, accumulate, steps: 1 })) };
    });
    const [whole, parts] = await Promise.all(runs.map(({ steps }) => steps));
    expect(parts).toEqual(whole);
    expect(whole![0]!.loss).toBe(16);
    expect(runs.map(({ w }) => dataSync(w)[0])).toEqual([2 - 0.125 * 16, 2 - 0.125 * 16]);
  });

  test("gradients are clipped to the norm asked for, and the norm before it is told", async () => {
    const { w, loss } = scalarProblem(3);
    const optimizer = sgd({ parameters: [w], learningRate: 1 });
    const [step] = await collect(train({ optimizer, loss, nextBatch: () => [1], steps: 1, maxGradientNorm: 0.5 }));
    expect(step!.gradientNorm).toBe(6);
    expect(dataSync(w)[0]).toBeCloseTo(2.5, 5);
  });

  test("the same start gives the same bits, and the loss falls", async () => {
    const run = async () => {
      const { model, optimizer, cursor } = tinyRun();
      const steps = await collect(train({ optimizer, loss: lossOf(model), nextBatch: cursor.next, steps: 60 }));
      return { steps, weights: parameters(model).map((weight) => dataSync(weight).slice()) };
    };
    const [first, second] = [await run(), await run()];
    expect(second).toEqual(first);
    // ln 7 = 1.95 without knowledge; the next token follows from the present one.
    expect(first.steps[0]!.loss).toBeGreaterThan(1.8);
    expect(first.steps.at(-1)!.loss).toBeLessThan(1);
  });

  test("1,000 updates leave no buffer behind", async () => {
    const { model, optimizer, cursor } = tinyRun();
    const options = { optimizer, loss: lossOf(model), nextBatch: cursor.next, maxGradientNorm: 1 };
    await collect(train({ ...options, steps: 10 }));
    const after10 = { ...countBuffers() };
    await collect(train({ ...options, from: 10, steps: 1000 }));
    expect({ ...countBuffers() }).toEqual(after10);
    expect(after10.buffers).toBeGreaterThan(0);
    dispose([model, optimizer.state()]);
  });

  test("a loss that is not a number changes nothing and names the step", async () => {
    const { w, loss } = scalarProblem(3);
    const batches = [[1], [Number.NaN]];
    const optimizer = sgd({ parameters: [w], learningRate: 0.25 });
    const error = await collect(train({ optimizer, loss, nextBatch: () => batches.shift()!, steps: 2 })).catch(
      (reason: unknown) => reason,
    );
    expect(isDivergedError(error)).toBe(true);
    expect((error as Error).message).toMatchInlineSnapshot(
      `"train: loss is NaN with gradient norm NaN at step 2, expected finite numbers. The run has diverged: lower the learning rate or clip gradients"`,
    );
    expect(dataSync(w)[0]).toBe(1.5);
    expect(optimizer.state().updates).toBe(1);
  });
});

describe("train", () => {
  beforeEach(() => void useBackend(backends[0]![1]()));
  afterEach(() => void useBackend(backends[0]![1]()));

  test("stops before the next update when the signal is aborted, without an error", async () => {
    const { w, loss } = scalarProblem(1);
    const controller = new AbortController();
    const seen: number[] = [];
    const optimizer = sgd({ parameters: [w], learningRate: 0 });
    for await (const { step } of train({
      optimizer,
      loss,
      nextBatch: () => [1],
      steps: 10,
      signal: controller.signal,
    })) {
      seen.push(step);
      if (step === 3) controller.abort();
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test("gives the event loop a turn between updates", async () => {
    const { w, loss } = scalarProblem(1);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await new Promise((resolve) => setTimeout(resolve, 2));
    const before = turns;
    const optimizer = sgd({ parameters: [w], learningRate: 0 });
    let steps = 0;
    for await (const _ of train({ optimizer, loss, nextBatch: () => [1], steps: 100_000 })) {
      steps++;
      if (turns > before + 2) break;
    }
    clearInterval(timer);
    expect(steps).toBeLessThan(100_000);
  });

  test("dropout draws only when a generator is given", async () => {
    const model = tinyModel();
    const { optimizer } = tinyRun();
    const seen: unknown[] = [];
    const loss = (batch: ReturnType<typeof batchAt>, random: unknown): Tensor => {
      seen.push(random);
      return lossOf(model)(batch);
    };
    await collect(train({ optimizer, loss, nextBatch: () => batchAt(0), steps: 1 }));
    expect(seen).toEqual([undefined]);
  });

  test("counts out of range are named", async () => {
    const { w, loss } = scalarProblem(1);
    const base = { optimizer: sgd({ parameters: [w], learningRate: 1 }), loss, nextBatch: () => [1], steps: 1 };
    await expect(collect(train({ ...base, steps: -1 }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: train: steps is out of range, expected a whole number >= 0, got -1]`,
    );
    await expect(collect(train({ ...base, from: 0.5 }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: train: from is out of range, expected a whole number >= 0, got 0.5]`,
    );
    await expect(collect(train({ ...base, accumulate: 0 }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: train: accumulate is out of range, expected a whole number >= 1, got 0]`,
    );
    await expect(collect(train({ ...base, maxGradientNorm: 0 }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: train: maxGradientNorm is out of range, expected a finite number > 0, got 0. Leave it out for no clipping]`,
    );
  });
});

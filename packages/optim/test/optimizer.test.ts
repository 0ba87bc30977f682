import { dataSync, dispose, fromArray, referenceBackend, withBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { adamW, clipGlobalNorm, decayMatricesOnly, sgd } from "../src/index.ts";

const onReference = (name: string, body: () => void) => test(name, () => withBackend(referenceBackend(), body));

onReference("a state saved in the middle continues as if nothing had happened", () => {
  const make = () => {
    const p = fromArray([1, -2, 3], [3]);
    return { p, optimizer: adamW({ parameters: [p], learningRate: 0.1 }) };
  };
  const gradient = (i: number) => [fromArray([i, 1 - i, 0.5], [3])];
  const whole = make();
  for (let i = 0; i < 6; i++) whole.optimizer.step(gradient(i));
  const [first, second] = [make(), make()];
  for (let i = 0; i < 3; i++) first.optimizer.step(gradient(i));
  second.optimizer.loadState(first.optimizer.state());
  const resumed = adamW({ parameters: [first.p], learningRate: 0.1 });
  resumed.loadState(first.optimizer.state());
  for (let i = 3; i < 6; i++) resumed.step(gradient(i));
  expect(dataSync(first.p)).toEqual(dataSync(whole.p));
});

onReference("groups have their own decay and learning rate", () => {
  const [a, b] = [fromArray([1], [1]), fromArray([1], [1])];
  const zero = [zeros([1]), zeros([1])];
  adamW({
    parameters: [
      { parameters: [a], weightDecay: 0.5 },
      { parameters: [b], weightDecay: 0 },
    ],
    learningRate: 0.1,
  }).step(zero);
  expect(dataSync(a)[0]).toBeCloseTo(0.95, 6);
  expect(dataSync(b)[0]).toBe(1);
  const slow = sgd({
    parameters: [{ parameters: [a], learningRateFactor: 0.1 }, { parameters: [b] }],
    learningRate: 1,
  });
  slow.step([fromArray([1], [1]), fromArray([1], [1])]);
  expect(dataSync(a)[0]).toBeCloseTo(0.85, 6);
  expect(dataSync(b)[0]).toBe(0);
  dispose([a, b]);
});

onReference("decayMatricesOnly splits by rank", () => {
  const [matrix, vector] = [zeros([2, 2]), zeros([2])];
  expect(decayMatricesOnly([vector, matrix], 0.1)).toEqual([
    { parameters: [matrix], weightDecay: 0.1 },
    { parameters: [vector], weightDecay: 0 },
  ]);
});

onReference("wrong use is named", () => {
  const p = zeros([2]);
  expect(() => adamW({ parameters: [], learningRate: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adamW: parameters is empty, expected at least one tensor]`,
  );
  expect(() => adamW({ parameters: [p, p], learningRate: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adamW: parameters names a tensor twice, expected distinct tensors. Use parameters(model) of @heed/nn, which lists tied weights once]`,
  );
  expect(() => adamW({ parameters: [p], learningRate: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adamW: learningRate is out of range, expected a finite number >= 0, got -1]`,
  );
  expect(() => adamW({ parameters: [p], learningRate: 1, betas: [1, 0] })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adamW: betas[0] is out of range, expected a number in [0, 1), got 1]`,
  );
  expect(() => sgd({ parameters: [p], learningRate: 1, nesterov: true })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sgd: momentum is 0, expected more than 0 with nesterov]`,
  );
  expect(() => adamW({ parameters: [p], learningRate: 1 }).step([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adamW: gradients has 0 tensors, expected 1 (one per parameter)]`,
  );
  expect(() => adamW({ parameters: [p], learningRate: 1 }).step([zeros([3])])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: adamW: gradients[0] has shape [3], expected [2] (from its parameter)]`,
  );
  expect(() => clipGlobalNorm([p], 0)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: clipGlobalNorm: maxNorm is out of range, expected a finite number > 0, got 0]`,
  );
  expect(() =>
    adamW({ parameters: [p], learningRate: 1 }).loadState({ updates: 0, tensors: {} }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adamW: state does not fit this optimizer, expected tensors 2, missing [first.0, second.0], unexpected []]`,
  );
});

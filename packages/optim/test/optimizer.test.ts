import {
  countBuffers,
  createReferenceBackend,
  dataSync,
  dispose,
  fromArray,
  type Tensor,
  withBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { adafactor, adam, adamW, clipGlobalNorm, decayMatricesOnly, type Optimizer, sgd } from "../src/index.ts";

const onReference = (name: string, body: () => void) => test(name, () => withBackend(createReferenceBackend(), body));

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
    `[RangeError: sgd: momentum is out of range, expected more than 0 with nesterov, got 0]`,
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
    `[RangeError: adamW: state does not fit this optimizer, expected its 2 tensors, got missing: first.0, second.0; unexpected: none. Build the optimizer with the options the state was saved with]`,
  );
});

/** SGD with momentum, decay and a look ahead, in float64, as its docstring says. */
function naiveSgd(start: number, gradients: readonly number[], rate: number, momentum: number, decay: number): number {
  let [p, velocity] = [start, 0];
  for (const gradient of gradients) {
    const g = gradient + decay * p;
    velocity = momentum * velocity + g;
    p -= rate * (g + momentum * velocity);
  }
  return p;
}

onReference("sgd and amsgrad continue from a saved state, too", () => {
  const gradients = [1, -2, 0.5, 3];
  for (const make of [
    (p: Tensor) => sgd({ parameters: [p], learningRate: 0.1, momentum: 0.5, nesterov: true, weightDecay: 0.25 }),
    (p: Tensor) => adamW({ parameters: [p], learningRate: 0.1, amsgrad: true }),
  ]) {
    const [whole, part] = [fromArray([2], [1]), fromArray([2], [1])];
    const through = make(whole);
    for (const gradient of gradients) through.step([fromArray([gradient], [1])]);
    const before = make(part);
    for (const gradient of gradients.slice(0, 2)) before.step([fromArray([gradient], [1])]);
    const after = make(part);
    after.loadState(before.state());
    for (const gradient of gradients.slice(2)) after.step([fromArray([gradient], [1])]);
    expect(dataSync(part)).toEqual(dataSync(whole));
    if (!("first.0" in through.state().tensors)) {
      expect(dataSync(whole)[0]).toBeCloseTo(naiveSgd(2, gradients, 0.1, 0.5, 0.25), 5);
    }
  }
});

onReference("an update frees what it made, and clipping scales inside it", () => {
  const p = fromArray([1, 1], [2]);
  const optimizer = sgd({ parameters: [p], learningRate: 1 });
  const gradients = [fromArray([3, 4], [2])];
  const before = { ...countBuffers() };
  const { norm, scale } = clipGlobalNorm(gradients, 1);
  expect(dataSync(norm)[0]).toBe(5);
  optimizer.step(gradients, { scale });
  dispose([norm, scale]);
  expect({ ...countBuffers() }).toEqual(before);
  expect(dataSync(p)[0]).toBeCloseTo(1 - 0.6, 5);
  expect(dataSync(p)[1]).toBeCloseTo(1 - 0.8, 5);
  const small = clipGlobalNorm(gradients, 10);
  expect(dataSync(small.scale)[0]).toBe(1);
});

onReference("adam and adafactor name what is out of range, and continue from a state", () => {
  const p = fromArray([1, -2, 3, 4], [2, 2]);
  const g = [fromArray([1, 2, 3, 4], [2, 2])];
  expect(() => adam({ parameters: [p], learningRate: 1, betas: [1, 0] })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adam: betas[0] is out of range, expected a number in [0, 1), got 1]`,
  );
  expect(() => adafactor({ parameters: [p], learningRate: 1, clipThreshold: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adafactor: clipThreshold is out of range, expected a finite number > 0, got 0]`,
  );
  expect(() => adafactor({ parameters: [p], learningRate: 1, decayPower: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: adafactor: decayPower is out of range, expected a number in (0, 1], got 2]`,
  );
  for (const make of [adam, adafactor]) {
    const [whole, half] = [fromArray([1, -2, 3, 4], [2, 2]), fromArray([1, -2, 3, 4], [2, 2])];
    const [a, b] = [whole, half].map((q) => make({ parameters: [q], learningRate: 0.1 })) as [Optimizer, Optimizer];
    for (let i = 0; i < 3; i++) a.step(g);
    b.step(g);
    const resumed = make({ parameters: [half], learningRate: 0.1 });
    resumed.loadState(b.state());
    for (let i = 0; i < 2; i++) resumed.step(g);
    expect(dataSync(half)).toEqual(dataSync(whole));
  }
});

import type { Backend, Kernel, Tensor } from "@heed/tensor";
import {
  add,
  createReferenceBackend,
  data,
  dataSync,
  exp,
  fromArray,
  item,
  layerNorm,
  linear,
  multiply,
  softmax,
  sum,
  tanh,
  UnsupportedOpError,
  valueAndGradients,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { fakeBackend } from "./fake-backend.ts";

const wave = (backend: Backend, shape: readonly number[], phase = 0): Tensor => {
  const size = shape.reduce((n, axis) => n * axis, 1);
  return fromArray(
    Float64Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + phase)),
    shape,
    { backend },
  );
};

/** A function of x [3, 4] and parameters that uses each fused operation of the fake backend. */
const functions: Readonly<Record<string, (x: Tensor, gain: Tensor, weight: Tensor) => Tensor>> = {
  softmax: (x, _gain, weight) => sum(multiply(softmax(x), weight)),
  "softmax twice": (x) => sum(exp(softmax(multiply(softmax(x), 3)))),
  layerNorm: (x, gain, weight) => sum(multiply(layerNorm(x, { gain, bias: tanh(gain) }), weight)),
  "layerNorm without bias": (x, gain, weight) => sum(multiply(layerNorm(x, { gain }), weight)),
  "linear relu": (x, gain, weight) =>
    sum(
      exp(
        linear(x, weight, fromArray(dataSync(gain).subarray(0, 3), [3], { backend: gain.backend }), {
          activation: "relu",
        }),
      ),
    ),
  "all together": (x, gain, weight) =>
    sum(exp(softmax(linear(layerNorm(x, { gain }), weight, undefined, { activation: "relu" })))),
};

const inputs = (backend: Backend): [Tensor, Tensor, Tensor] => [
  wave(backend, [3, 4]),
  wave(backend, [4], 1),
  wave(backend, [3, 4], 2),
];

function gradients(backend: Backend, f: (typeof functions)[string]): { value: number; lists: number[][] } {
  const tensors = inputs(backend);
  const { value, gradients: found } = valueAndGradients(() => f(...tensors), tensors);
  return { value: item(value), lists: found.map((gradient) => [...dataSync(gradient)]) };
}

/** Gradient of the sum of squared gradients: needs the gradients' own gradients. */
function secondGradients(backend: Backend, f: (typeof functions)[string]): number[][] {
  const tensors = inputs(backend);
  const { gradients: found } = valueAndGradients(() => {
    const { gradients: inner } = valueAndGradients(() => f(...tensors), tensors);
    return inner.map((gradient) => sum(multiply(gradient, gradient))).reduce((total, part) => add(total, part));
  }, tensors);
  return found.map((gradient) => [...dataSync(gradient)]);
}

const close = (lists: number[][], expected: number[][]): void => {
  expect(lists.map((list) => list.length)).toEqual(expected.map((list) => list.length));
  lists.forEach((list, i) => list.forEach((value, j) => expect(value).toBeCloseTo(expected[i]![j]!, 10)));
};

const variants = {
  "all kernels": () => fakeBackend(),
  "no backward kernels": () => fakeBackend({ without: ["softmaxBackward", "layerNormBackward"] }),
  "declining backward kernels": () => fakeBackend({ declining: ["softmaxBackward", "layerNormBackward"] }),
  "declining forward kernels": () => fakeBackend({ declining: ["softmax", "layerNorm", "linear"] }),
  "memory hidden from the host": () => fakeBackend({ hidden: true }),
};

for (const [variant, make] of Object.entries(variants)) {
  describe(`fused operations, ${variant}`, () => {
    for (const [name, f] of Object.entries(functions)) {
      test(`${name}: value and gradients as composed`, () => {
        const expected = gradients(createReferenceBackend(), f);
        const got = gradients(make(), f);
        expect(got.value).toBeCloseTo(expected.value, 12);
        close(got.lists, expected.lists);
      });

      test(`${name}: gradients of gradients as composed`, () => {
        close(secondGradients(make(), f), secondGradients(createReferenceBackend(), f));
      });
    }
  });
}

describe("which kernels run", () => {
  const names = (backend: Backend): string[] => backend.report().map(({ op, kernel }) => `${op}:${kernel}`);

  test("forward and backward kernels, and no operation of the composition", () => {
    const backend = fakeBackend();
    const x = wave(backend, [3, 4]);
    backend.resetReport();
    valueAndGradients(() => sum(softmax(x)), [x]);
    expect(names(backend)).toEqual(["softmax:fake", "sum:reference", "broadcast:reference", "softmaxBackward:fake"]);
  });

  test("the forward kernel alone where no gradient is wanted", () => {
    const backend = fakeBackend();
    softmax(wave(backend, [3, 4]));
    expect(names(backend)).toEqual(["softmax:fake"]);
  });

  test("an output that nobody needs is not handed to the backward kernel", () => {
    let outputs: readonly unknown[] = [];
    const plain = fakeBackend();
    const layerNormBackward: Kernel = (operands, wanted, attributes) => {
      outputs = wanted;
      return plain.kernels["layerNormBackward"]!(operands, wanted, attributes);
    };
    const backend: Backend = { ...plain, kernels: { ...plain.kernels, layerNormBackward } };
    const [x, gain, weight] = inputs(backend);
    valueAndGradients(() => functions["layerNorm without bias"]!(x, gain, weight), [gain]);
    expect(outputs.map((output) => output !== undefined)).toEqual([false, true]);
  });

  test("strict mode names the operation and the backend", () => {
    const backend = fakeBackend({ strict: true });
    const x = wave(backend, [3, 4]);
    expect(dataSync(softmax(x))).toHaveLength(12);
    expect(() => exp(x)).toThrowErrorMatchingInlineSnapshot(
      `[UnsupportedOpError: exp: backend fake has no kernel for it, expected one in strict mode]`,
    );
    expect(() => exp(x)).toThrow(UnsupportedOpError);
  });

  test("strict mode lets memory be shared, and fused operations be composed of kernels only", () => {
    const backend = fakeBackend({ strict: true, declining: ["softmax"] });
    expect(() => softmax(wave(backend, [3, 4]))).toThrowErrorMatchingInlineSnapshot(
      `[UnsupportedOpError: max: backend fake has no kernel for it, expected one in strict mode]`,
    );
  });
});

describe("a backend that reads asynchronously only", () => {
  test("runs its kernels", async () => {
    const backend = fakeBackend({ asyncOnly: true });
    const y = await data<"float64">(softmax(wave(backend, [1, 4])));
    expect(y.reduce((total, value) => total + value, 0)).toBeCloseTo(1, 12);
  });

  test("says that the rest is not possible", () => {
    const backend = fakeBackend({ asyncOnly: true });
    const x = wave(backend, [3, 4]);
    expect(() => exp(x)).toThrowErrorMatchingInlineSnapshot(
      `[UnsupportedOpError: tensor: backend fake has neither a kernel nor host access for this operation]`,
    );
    expect(() => dataSync(x)).toThrowErrorMatchingInlineSnapshot(
      `[UnsupportedOpError: dataSync: backend fake reads asynchronously only. Use await data(x)]`,
    );
  });
});

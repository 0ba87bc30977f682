import type { Backend } from "@heed/tensor";
import {
  abs,
  add,
  argmax,
  assign,
  broadcast,
  cast,
  concatenate,
  countBuffers,
  createReferenceBackend,
  data,
  dataSync,
  detach,
  dispose,
  divide,
  exp,
  fromArray,
  isTracked,
  item,
  keep,
  layerNorm,
  less,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  multiply,
  permute,
  power,
  relu,
  reshape,
  rng,
  scope,
  select,
  sigmoid,
  slice,
  softmax,
  softplus,
  split,
  subtract,
  sum,
  type Tensor,
  tanh,
  uniform,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { fakeBackend } from "./fake-backend.ts";

let backend: Backend;

beforeEach(() => {
  backend = createReferenceBackend();
  useBackend(backend);
});

const vector = (...values: number[]): Tensor => fromArray(Float64Array.from(values), [values.length]);
const scalar = (value: number): Tensor => fromArray(Float64Array.of(value), []);
const list = (x: Tensor): number[] => [...dataSync(x)];

describe("valueAndGradients", () => {
  test("a list of tensors", () => {
    const [a, b] = [vector(1, 2, 3), vector(4, 5, 6)];
    const { value, gradients } = valueAndGradients(() => sum(multiply(a, multiply(b, b))), [a, b]);
    expect(item(value)).toBe(16 + 50 + 108);
    expect(gradients.map(list)).toEqual([
      [16, 25, 36],
      [8, 20, 36],
    ]);
  });

  test("an object of tensors, and its type", () => {
    const weights = { w: vector(2, 3), b: scalar(1) };
    const { gradients } = valueAndGradients(() => sum(add(multiply(weights.w, weights.w), weights.b)), weights);
    const { w, b }: { w: Tensor; b: Tensor } = gradients;
    expect([list(w), list(b)]).toEqual([[4, 6], [2]]);
  });

  test("a tensor used twice, and one given twice", () => {
    const w = vector(3);
    const { gradients } = valueAndGradients(() => sum(multiply(multiply(w, w), w)), [w, w]);
    expect(gradients.map(list)).toEqual([[27], [27]]);
    gradients[0].dispose();
    expect(list(gradients[1])).toEqual([27]);
  });

  test("tied weights get the sum of both uses", () => {
    const w = fromArray(Float64Array.of(1, 2, 3, 4), [2, 2]);
    const x = fromArray(Float64Array.of(1, -1), [1, 2]);
    const once = (a: Tensor, b: Tensor) => sum(matmul(matmul(x, a), b, { transposeB: true }));
    const { gradients: tied } = valueAndGradients(() => once(w, w), [w]);
    const other = fromArray(dataSync(w), [2, 2]);
    const { gradients: apart } = valueAndGradients(() => once(w, other), [w, other]);
    expect(list(tied[0])).toEqual(list(add(apart[0], apart[1])));
  });

  test("zeros for a tensor that f does not use", () => {
    const [a, b] = [vector(1, 2), vector(3)];
    const { gradients } = valueAndGradients(() => sum(a), [a, b]);
    expect(list(gradients[1])).toEqual([0]);
  });

  test("zeros where the way to a tensor has jumps", () => {
    const a = vector(1, 2);
    const { gradients } = valueAndGradients(() => sum(cast(argmax(a), "float64")), [a]);
    expect(list(gradients[0])).toEqual([0, 0]);
  });

  test("one gradient for two inputs is two tensors", () => {
    const [a, b] = [vector(1, 2), vector(3, 4)];
    const { gradients } = valueAndGradients(() => sum(add(a, b)), [a, b]);
    gradients[0].dispose();
    expect(list(gradients[1])).toEqual([1, 1]);
  });

  test("f returns the tensor itself", () => {
    const a = scalar(5);
    const { value, gradients } = valueAndGradients(() => a, [a]);
    expect([item(value), item(gradients[0])]).toEqual([5, 1]);
    expect(a.disposed).toBe(false);
  });

  test("f returns something that does not depend on the tensors", () => {
    const a = vector(1, 2);
    const { value, gradients } = valueAndGradients(() => scalar(3), [a]);
    expect([item(value), list(gradients[0])]).toEqual([3, [0, 0]]);
  });

  test("detach stops gradients, and shares memory", () => {
    const a = vector(1, 2);
    const { gradients } = valueAndGradients(() => sum(multiply(a, detach(a))), [a]);
    expect(list(gradients[0])).toEqual([1, 2]);
  });

  test("tensors captured from f survive only by keep", () => {
    const a = vector(1, 2);
    let [lost, kept]: (Tensor | undefined)[] = [];
    valueAndGradients(() => {
      lost = exp(a);
      kept = keep(multiply(lost, 2));
      return sum(kept);
    }, [a]);
    expect(list(kept!)).toEqual([2 * Math.exp(1), 2 * Math.exp(2)]);
    expect(() => dataSync(lost!)).toThrowErrorMatchingInlineSnapshot(
      `[TensorStateError: dataSync: tensor [2] was freed, expected a live one. Return it from its scope or call keep on it]`,
    );
  });
});

describe("errors", () => {
  const a = () => vector(1, 2);
  test("more than one element", () => {
    const x = a();
    expect(() => valueAndGradients(() => multiply(x, 2), [x])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: valueAndGradients: f returned shape [2], expected one element. Reduce with mean or sum]`,
    );
  });
  test("a value that is not a float", () => {
    const x = a();
    expect(() => valueAndGradients(() => argmax(x), [x])).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: valueAndGradients: f returned dtype int32, expected a float dtype]`,
    );
  });
  test("with respect to integers", () => {
    const x = fromArray(Int32Array.of(1), [1]);
    expect(() => valueAndGradients(() => sum(x), [x])).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: valueAndGradients: tensors[0] has dtype int32, expected a float dtype]`,
    );
  });
  test("an asynchronous f", () => {
    const x = a();
    const f = (async () => sum(x)) as unknown as () => Tensor;
    expect(() => valueAndGradients(f, [x])).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: valueAndGradients: f returned a promise, expected a tensor. Await before or after]`,
    );
  });

  test("an error in f leaves no open tape or scope and frees everything", () => {
    const x = a();
    const before = countBuffers();
    const fail = () => {
      const y = exp(x);
      scope(() => {
        multiply(y, y);
        multiply(tanh(y), 2);
      });
      y.dispose();
      throw new Error("stop");
    };
    expect(() => valueAndGradients(() => scope(fail), [x])).toThrow("stop");
    expect(countBuffers()).toEqual(before);
    expect(isTracked(x)).toBe(false);
    expect(() => assign(x, vector(5, 6))).not.toThrow();
    const y = exp(x);
    expect(scope(() => y.disposed)).toBe(false);
  });

  test("an error in a gradient rule frees everything", () => {
    const failing = fakeBackend();
    const broken: Backend = {
      ...failing,
      kernels: {
        ...failing.kernels,
        softmaxBackward: () => {
          throw new Error("device lost");
        },
      },
    };
    const x = fromArray(Float64Array.of(1, 2), [1, 2], { backend: broken });
    expect(() => valueAndGradients(() => sum(exp(softmax(x))), [x])).toThrow("device lost");
    expect(failing.live.size).toBe(1);
  });
});

describe("in place inside a differentiation", () => {
  test("a tensor with a gradient", () => {
    const x = vector(1, 2);
    const f = () => {
      assign(x, vector(3, 4));
      return sum(x);
    };
    expect(() => valueAndGradients(f, [x])).toThrowErrorMatchingInlineSnapshot(
      `[TensorStateError: assign: tensor [2] is part of an open differentiation, expected one that is not. Call it after valueAndGradients]`,
    );
  });
  test("a tensor that the backward pass reads", () => {
    const [x, y] = [vector(1, 2), vector(3, 4)];
    const f = () => {
      const product = sum(multiply(x, y));
      assign(y, vector(0, 0));
      return product;
    };
    expect(() => valueAndGradients(f, [x])).toThrow(/is part of an open differentiation/);
  });
  test("a tensor that has nothing to do with it", () => {
    const [x, count] = [vector(1, 2), scalar(0)];
    valueAndGradients(() => {
      assign(count, scalar(1));
      return sum(x);
    }, [x]);
    expect(item(count)).toBe(1);
  });
});

describe("gradients of gradients", () => {
  test("of a polynomial, three times", () => {
    const x = scalar(2);
    const f = () => power(x, 4);
    const first = () => valueAndGradients(f, [x]).gradients[0];
    const second = () => valueAndGradients(first, [x]).gradients[0];
    const third = () => valueAndGradients(second, [x]).gradients[0];
    expect([first, second, third].map((g) => item(g()))).toEqual([32, 48, 48]);
  });

  /** Second derivatives at smooth points by finite differences of first ones. */
  const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    tanh: (x) => sum(tanh(x)),
    sigmoid: (x) => sum(sigmoid(x)),
    softplus: (x) => sum(multiply(softplus(x), softplus(x))),
    softmax: (x) => sum(exp(softmax(x))),
    logSoftmax: (x) => sum(multiply(logSoftmax(x), logSoftmax(x))),
    layerNorm: (x) => sum(exp(layerNorm(x))),
    matmul: (x) => sum(exp(matmul(reshape(x, [2, 2]), reshape(x, [2, 2]), { transposeA: true }))),
    shapes: (x) =>
      sum(
        exp(
          multiply(
            concatenate([slice(x, [1], [2]), slice(x, [0], [2])]),
            reshape(permute(reshape(x, [2, 2]), [1, 0]), [4]),
          ),
        ),
      ),
    division: (x) => sum(divide(exp(x), add(multiply(x, x), 1))),
    broadcast: (x) => sum(power(sum(broadcast(reshape(x, [1, 4]), [3, 4]), { axes: 1 }), 2)),
    split: (x) =>
      sum(
        split(multiply(x, x), [1, 3])
          .map((part) => sum(exp(part)))
          .reduce((total, part) => multiply(total, part)),
      ),
    maximum: (x) => sum(multiply(maximum(multiply(x, x), exp(x)), x)),
    max: (x) => multiply(max(multiply(x, x)), sum(x)),
    relu: (x) => sum(power(relu(x), 3)),
    select: (x) => sum(select(less(x, 0), exp(x), multiply(x, x))),
    abs: (x) => sum(power(abs(x), 3)),
    mean: (x) => mean(power(subtract(x, mean(x)), 3)),
  };
  const at = [0.3, -0.7, 1.1, 0.5];
  for (const [name, f] of Object.entries(functions)) {
    test(name, () => {
      const gradientAt = (values: readonly number[]) => {
        const x = vector(...values);
        return list(valueAndGradients(() => f(x), [x]).gradients[0]);
      };
      const x = vector(...at);
      const weights = vector(1, 2, -1, 0.5);
      const { gradients } = valueAndGradients(
        () => sum(multiply(valueAndGradients(() => f(x), [x]).gradients[0], weights)),
        [x],
      );
      const h = 1e-5;
      const expected = at.map((_, i) => {
        const [up, down] = [1, -1].map((sign) => gradientAt(at.map((value, j) => value + (i === j ? sign * h : 0))));
        return [1, 2, -1, 0.5].reduce((total, weight, j) => total + (weight * (up![j]! - down![j]!)) / (2 * h), 0);
      });
      list(gradients[0]).forEach((value, i) =>
        expect(Math.abs(value - expected[i]!) / Math.max(1, Math.abs(expected[i]!))).toBeLessThan(1e-6),
      );
    });
  }

  test("the inner value and gradients can be used and returned", () => {
    const x = vector(1, 2);
    const { value, gradients } = valueAndGradients(() => {
      const inner = valueAndGradients(() => sum(multiply(x, multiply(x, x))), [x]);
      return add(inner.value, sum(inner.gradients[0]));
    }, [x]);
    expect(item(value)).toBe(9 + 15);
    expect(list(gradients[0])).toEqual([3 + 6, 12 + 12]);
  });

  test("an inner differentiation of something else is a constant", () => {
    const [x, y] = [scalar(3), scalar(4)];
    const { gradients } = valueAndGradients(
      () => multiply(x, valueAndGradients(() => multiply(y, y), [y]).gradients[0]),
      [x],
    );
    expect(item(gradients[0])).toBe(8);
  });

  test("with respect to a tensor that only the gradient depends on", () => {
    const [x, scale] = [scalar(3), scalar(2)];
    const { gradients } = valueAndGradients(
      () => valueAndGradients(() => multiply(multiply(x, x), scale), [x]).gradients[0],
      [scale],
    );
    expect(item(gradients[0])).toBe(6);
  });

  test("one gradient for two inputs keeps its own gradient", () => {
    const [a, b] = [scalar(2), scalar(3)];
    const { gradients } = valueAndGradients(() => {
      const inner = valueAndGradients(() => power(add(a, b), 3), [a, b]);
      return multiply(inner.gradients[0], inner.gradients[1]);
    }, [a, b]);
    expect(gradients.map(item)).toEqual([4500, 4500]);
  });
});

describe("memory", () => {
  const network = (x: Tensor, weights: readonly Tensor[]) =>
    mean(weights.reduce((h, w) => tanh(layerNorm(matmul(h, w))), x));
  const make = () => {
    const generator = rng(1);
    const draw = () => uniform([32, 32], { rng: generator, dtype: "float64", low: -0.3, high: 0.3 });
    return { x: draw(), weights: Array.from({ length: 6 }, draw) };
  };

  test("only value and gradients are left", () => {
    const { x, weights } = make();
    const before = countBuffers();
    const { value, gradients } = valueAndGradients(() => network(x, weights), weights);
    expect(countBuffers().buffers).toBe(before.buffers + 1 + weights.length);
    dispose([value, gradients]);
    expect(countBuffers()).toEqual(before);
  });

  test("and nothing of gradients of gradients", () => {
    const { x, weights } = make();
    const before = countBuffers();
    const { value, gradients } = valueAndGradients(
      () =>
        valueAndGradients(() => network(x, weights), weights)
          .gradients.map((g) => sum(multiply(g, g)))
          .reduce((total, part) => add(total, part)),
      weights,
    );
    expect(countBuffers().buffers).toBe(before.buffers + 1 + weights.length);
    dispose([value, gradients]);
    expect(countBuffers()).toEqual(before);
  });

  /** Buffers of matrix size alive after the forward pass, at most, and at the last allocation of the backward pass. */
  function alive(f: (x: Tensor, weights: readonly Tensor[]) => Tensor): { forward: number; most: number; end: number } {
    const plain = createReferenceBackend();
    let [live, most, forward, end] = [0, 0, 0, 0];
    const sizes = new Map<object, number>();
    const counting: Backend = {
      ...plain,
      allocate(bytes) {
        const buffer = plain.allocate(bytes);
        sizes.set(buffer, bytes);
        if (bytes >= 8192) most = Math.max(most, (end = ++live));
        return buffer;
      },
      free(buffer) {
        if (sizes.get(buffer)! >= 8192) live--;
        plain.free(buffer);
      },
    };
    useBackend(counting);
    const { x, weights } = make();
    valueAndGradients(() => {
      const value = f(x, weights);
      forward = live;
      return value;
    }, weights);
    return { forward, most, end };
  }

  test("activations are freed while the gradient is computed", () => {
    expectFreed(alive(network));
  });

  test("also those of scopes inside f", () => {
    expectFreed(alive((x, weights) => mean(weights.reduce((h, w) => scope(() => tanh(layerNorm(matmul(h, w)))), x))));
  });

  /** 13 are left at the end: x, six weights, six gradients. Five activations a layer, and few temporaries at any time. */
  function expectFreed({ forward, most, end }: ReturnType<typeof alive>): void {
    expect(forward).toBe(7 + 6 * 5);
    expect(most).toBeLessThanOrEqual(forward + 4);
    expect(end).toBeLessThanOrEqual(13 + 3);
  }

  test("a tensor disposed inside f is kept while the tape needs it", () => {
    const x = vector(1, 2);
    const before = countBuffers();
    const { value, gradients } = valueAndGradients(() => {
      using y = exp(x);
      const z = multiply(y, y);
      dispose(y);
      const total = sum(z);
      z.dispose();
      return total;
    }, [x]);
    expect(list(gradients[0])).toEqual([2 * Math.exp(2), 2 * Math.exp(4)].map((v) => expect.closeTo(v, 12)));
    dispose([value, gradients]);
    expect(countBuffers()).toEqual(before);
  });

  test("a tensor made before, in the scope around, is not freed early", () => {
    const before = countBuffers();
    scope(() => {
      const x = vector(1, 2);
      const y = exp(x);
      const { gradients } = valueAndGradients(() => sum(multiply(y, reshape(y, [2]))), [y]);
      expect(list(y)).toEqual([Math.exp(1), Math.exp(2)]);
      expect(list(gradients[0])).toEqual([2 * Math.exp(1), 2 * Math.exp(2)]);
    });
    expect(countBuffers()).toEqual(before);
  });

  test("outputs that share memory", () => {
    const x = vector(1, 2, 3, 4);
    const before = countBuffers();
    const { value, gradients } = valueAndGradients(() => {
      const [a, b] = split(exp(x), [2, 2]);
      const c = reshape(a!, [2, 1]);
      return add(sum(multiply(c, reshape(b!, [1, 2]))), sum(slice(reshape(c, [2]), [1], [1])));
    }, [x]);
    const [e1, e2, e3, e4] = [1, 2, 3, 4].map(Math.exp) as [number, number, number, number];
    list(gradients[0]).forEach((value, i) =>
      expect(value).toBeCloseTo([e1 * (e3 + e4), e2 * (e3 + e4) + e2, e3 * (e1 + e2), e4 * (e1 + e2)][i]!, 8),
    );
    dispose([value, gradients]);
    expect(countBuffers()).toEqual(before);
  });

  test("a kept activation outlives the backward pass", async () => {
    const x = vector(1, 2);
    let y: Tensor | undefined;
    const { gradients } = valueAndGradients(() => sum(multiply((y = keep(exp(x))), 3)), [x]);
    expect(await data(y!)).toEqual(Float64Array.of(Math.exp(1), Math.exp(2)));
    expect(list(gradients[0])).toEqual([3 * Math.exp(1), 3 * Math.exp(2)]);
  });

  test("the same buffers after 3 and after 60 training steps", () => {
    const { x, weights } = make();
    const step = () =>
      scope(() => {
        const { gradients } = valueAndGradients(() => network(x, weights), weights);
        weights.forEach((w, i) => assign(w, subtract(w, multiply(gradients[i]!, 0.1))));
      });
    for (let i = 0; i < 3; i++) step();
    const early = countBuffers();
    for (let i = 3; i < 60; i++) step();
    expect(countBuffers()).toEqual(early);
  });
});

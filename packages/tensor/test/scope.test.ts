import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  add,
  assign,
  countBuffers,
  createReferenceBackend,
  dataSync,
  dispose,
  exp,
  fromArray,
  full,
  gelu,
  isTensor,
  keep,
  layerNorm,
  multiply,
  normal,
  reshape,
  rng,
  scope,
  select,
  slice,
  softmax,
  Tensor,
  tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";

beforeEach(() => {
  useBackend(createReferenceBackend());
});

describe("scope", () => {
  test("frees what was made inside, except the result", () => {
    const x = tensor([1, 2]);
    const y = scope(() => add(exp(x), multiply(x, 2)));
    expect(countBuffers().buffers).toBe(2);
    expect(y.disposed).toBe(false);
    expect(x.disposed).toBe(false);
  });

  test("finds results in lists, objects, maps, sets and classes at any depth", () => {
    class Layer {
      readonly weight = zeros([2]);
      readonly parts = [{ deep: new Map([["a", new Set([zeros([3])])]]) }];
      readonly itself: Layer = this;
    }
    const layer = scope(() => {
      zeros([100]);
      return { layer: new Layer() };
    });
    expect(countBuffers()).toEqual({ buffers: 2, bytes: 20 });
    dispose(layer);
    expect(countBuffers().buffers).toBe(0);
  });

  test("finds weights that a function carries as properties", () => {
    const layer = scope(() => Object.assign((x: Tensor) => x, { weight: zeros([2]) }));
    expect(layer.weight.disposed).toBe(false);
    dispose(layer);
    expect(countBuffers().buffers).toBe(0);
  });

  test("nests: what leaves one belongs to the next", () => {
    scope(() => {
      const inner = scope(() => {
        zeros([5]);
        return zeros([3]);
      });
      expect(inner.disposed).toBe(false);
      expect(countBuffers().buffers).toBe(1);
    });
    expect(countBuffers().buffers).toBe(0);
  });

  test("an error frees everything and closes the scope", () => {
    expect(() =>
      scope(() => {
        zeros([3]);
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(countBuffers().buffers).toBe(0);
    zeros([3]);
    expect(countBuffers().buffers).toBe(1);
  });

  test("a promise is an error, and frees", () => {
    expect(() => scope(async () => zeros([3]))).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: scope: f returned a promise, expected a synchronous function. Await before or after the scope]`,
    );
    expect(countBuffers().buffers).toBe(0);
  });

  test("keep takes out of all scopes", () => {
    const kept: Tensor[] = [];
    scope(() => {
      scope(() => {
        kept.push(keep(zeros([2])), ...keep([zeros([3])]));
      });
    });
    expect(kept.map((x) => x.disposed)).toEqual([false, false]);
    dispose(kept);
    expect(countBuffers().buffers).toBe(0);
  });

  test("a tensor disposed inside may also be returned from nothing", () => {
    scope(() => {
      const x = zeros([2]);
      x.dispose();
      x.dispose();
      dispose(x);
    });
    expect(countBuffers().buffers).toBe(0);
  });

  test("using", () => {
    {
      using x = zeros([2]);
      expect(x.disposed).toBe(false);
    }
    expect(countBuffers().buffers).toBe(0);
  });
});

describe("outside every scope", () => {
  test("functions with numbers leave nothing but their results", () => {
    const x = tensor([1, 2]);
    const results = [multiply(x, 2), add(1, x), select(tensor([1, 0], { dtype: "bool" }), x, 0)];
    expect(countBuffers().buffers).toBe(1 + results.length + 1);
  });

  test("nor do compositions of fused operations", () => {
    const x = tensor([[1, 2, 3]]);
    const results = [softmax(x), gelu(x), layerNorm(x, { gain: tensor([1, 1, 1]) })];
    expect(countBuffers().buffers).toBe(1 + results.length + 1);
  });

  test("nor do random draws", () => {
    normal([3], { rng: rng(0), mean: 1, std: 2 });
    expect(countBuffers().buffers).toBe(1);
  });
});

describe("shared memory", () => {
  test("lives as long as the last tensor", () => {
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const flat = reshape(x, [6]);
    const row = slice(x, [1, 0], [1, 2]);
    x.dispose();
    flat.dispose();
    expect([...dataSync(row)]).toEqual([3, 4]);
    expect(countBuffers()).toEqual({ buffers: 1, bytes: 24 });
    row.dispose();
    expect(countBuffers()).toEqual({ buffers: 0, bytes: 0 });
  });

  test("parts of parts", () => {
    const x = tensor([0, 1, 2, 3, 4, 5, 6, 7]);
    const part = scope(() => slice(slice(x, [2], [5]), [1], [3]));
    x.dispose();
    expect([...dataSync(part)]).toEqual([3, 4, 5]);
    part.dispose();
    expect(countBuffers().buffers).toBe(0);
  });

  test("an assignment shows in every tensor that shares", () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const [flat, row] = [reshape(x, [4]), slice(x, [1, 0], [1, 2])];
    assign(row, tensor([[7, 8]]));
    expect([...dataSync(flat)]).toEqual([1, 2, 7, 8]);
  });
});

describe("the use of a freed tensor", () => {
  test("says so", () => {
    const x = scope(() => ({
      get: (
        (y) => () =>
          y
      )(zeros([2, 3])),
    })).get();
    expect(() => exp(x)).toThrowErrorMatchingInlineSnapshot(
      `[TensorStateError: exp: tensor [2, 3] was freed, expected a live one. Return it from its scope or call keep on it]`,
    );
    expect(() => dataSync(x)).toThrowErrorMatchingInlineSnapshot(
      `[TensorStateError: dataSync: tensor [2, 3] was freed, expected a live one. Return it from its scope or call keep on it]`,
    );
    expect(() => x.backend).toThrowErrorMatchingInlineSnapshot(
      `[TensorStateError: tensor: tensor [2, 3] was freed, expected a live one. Return it from its scope or call keep on it]`,
    );
  });

  test("of two backends at once too", () => {
    const here = zeros([2]);
    const there = full([2], 1, { backend: { ...createReferenceBackend(), name: "other" } });
    expect(() => add(here, there)).toThrowErrorMatchingInlineSnapshot(
      `[TensorStateError: add: inputs live on backends reference and other, expected one backend]`,
    );
  });
});

test("a forgotten tensor outside every scope is found by the garbage collector", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const leak = () => {
    for (let i = 0; i < 50; i++) zeros([1000]);
  };
  leak();
  for (let i = 0; i < 50 && countBuffers().buffers > 0; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(countBuffers().buffers).toBeLessThan(5);
});

test("isTensor knows tensors of any copy of the package", () => {
  const other = { [Symbol.for("heed.tensor")]: true };
  expect([zeros([1]), other, {}, null, 3].map(isTensor)).toEqual([true, true, false, false, false]);
  expect(fromArray([1], [1])).toBeInstanceOf(Tensor);
});

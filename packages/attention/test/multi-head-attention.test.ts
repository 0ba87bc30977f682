import { type Linear, normalInit, zerosInit } from "@heed/nn";
import {
  add,
  arange,
  dataSync,
  fromArray,
  referenceBackend,
  rng,
  type Tensor,
  tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  type AttentionFn,
  causal,
  createMultiHeadAttention,
  type FusedProjection,
  KeyValueCache,
  type MultiHeadAttention,
  softmaxAttention,
} from "../src/index.ts";

useBackend(referenceBackend());

const dModel = 8;
const draws = (seed: number, shape: number[]): Tensor =>
  normalInit({ std: 0.5, rng: rng(seed), dtype: "float64" })(shape);
const make = (options: {
  numHeads: number;
  numKvHeads?: number;
  attention?: AttentionFn;
  position?: object;
}): MultiHeadAttention => {
  const init = normalInit({ std: 0.5, rng: rng(4), dtype: "float64" });
  return createMultiHeadAttention({ dModel, attention: softmaxAttention(), weight: init, bias: init, ...options });
};

/** The layer in plain loops over rows, heads and positions. */
function naive(layer: MultiHeadAttention, x: Tensor, visible: (t: number, s: number) => boolean): number[] {
  const [B, T, E] = x.shape as [number, number, number];
  const { numHeads: H, numKvHeads: G } = layer;
  const { qkv } = layer.projection as FusedProjection;
  const D = qkv.dOut / (H + 2 * G);
  const rows = (values: ArrayLike<number>, width: number) =>
    Array.from({ length: values.length / width }, (_, r) =>
      Array.from({ length: width }, (_, c) => values[r * width + c]!),
    );
  const project = (row: number[], linear: Linear) => {
    const bias = dataSync(linear.bias!);
    return rows(dataSync(linear.weight), linear.dIn).map((w, o) =>
      w.reduce((sum, value, i) => sum + value * row[i]!, bias[o]!),
    );
  };
  const out: number[] = [];
  for (let b = 0; b < B; b++) {
    const projected = rows(dataSync(x), E)
      .slice(b * T, (b + 1) * T)
      .map((row) => project(row, qkv));
    const part = (t: number, head: number) => projected[t]!.slice(head * D, (head + 1) * D);
    for (let t = 0; t < T; t++) {
      const joined = Array.from({ length: H }, (_, h) => {
        const group = Math.floor((h * G) / H);
        const weights = projected.map((_, s) =>
          visible(t, s)
            ? Math.exp(part(t, h).reduce((dot, value, d) => dot + value * part(s, H + group)[d]!, 0) / Math.sqrt(D))
            : 0,
        );
        const total = weights.reduce((a, c) => a + c);
        return Array.from({ length: D }, (_, d) =>
          weights.reduce((mix, weight, s) => mix + (weight / total) * part(s, H + G + group)[d]!, 0),
        );
      }).flat();
      out.push(...project(joined, layer.output));
    }
  }
  return out;
}

const close = (actual: Tensor, expected: ArrayLike<number>, digits = 10) => {
  expect(actual.size).toBe(expected.length);
  dataSync(actual).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, digits));
};

test.each([{ numHeads: 2 }, { numHeads: 4, numKvHeads: 2 }, { numHeads: 4, numKvHeads: 1 }, { numHeads: 1 }])(
  "equals plain loops with %o",
  (heads) => {
    const layer = make(heads);
    const x = draws(1, [2, 5, dModel]);
    close(
      layer.forward(x),
      naive(layer, x, () => true),
    );
    const mask = causal()(arange(0, 5), arange(0, 5));
    close(
      layer.forward(x, { mask }),
      naive(layer, x, (t, s) => s <= t),
    );
  },
);

test.each([{ numHeads: 2 }, { numHeads: 4, numKvHeads: 2 }])(
  "decoding with a cache equals one pass with %o",
  (heads) => {
    const layer = make(heads);
    const x = draws(2, [2, 5, dModel]);
    const whole = dataSync(layer.forward(x, { mask: causal()(arange(0, 5), arange(0, 5)) }));
    const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 9 });
    const rows = (from: number, to: number) => {
      const values = dataSync(x);
      const part = [0, 1].flatMap((b) => [...values.slice((b * 5 + from) * dModel, (b * 5 + to) * dModel)]);
      const positions = arange(from, to);
      const mask = causal()(positions, cache.extend(positions));
      return layer.forward(fromArray(part, [2, to - from, dModel], { dtype: "float64" }), {
        mask,
        cache: cache.layers[0]!,
      });
    };
    const parts = [
      [0, 3],
      [3, 4],
      [4, 5],
    ].map(([from, to]) => ({ from: from!, to: to!, y: dataSync(rows(from!, to!)) }));
    for (const { from, to, y } of parts) {
      for (const b of [0, 1]) {
        const expected = whole.slice((b * 5 + from) * dModel, (b * 5 + to) * dModel);
        y.slice(b * (to - from) * dModel, (b + 1) * (to - from) * dModel).forEach((value, i) =>
          expect(value).toBeCloseTo(expected[i]!, 12),
        );
      }
    }
    cache.dispose();
  },
);

test("any function fills the attention slot", () => {
  const seen: number[][] = [];
  const firstValue: AttentionFn = (q, k, v) => {
    seen.push([...q.shape], [...k.shape], [...v.shape]);
    return v;
  };
  const layer = make({ numHeads: 2, attention: firstValue });
  expect(layer.forward(draws(3, [1, 3, dModel])).shape).toEqual([1, 3, dModel]);
  expect(seen).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]);
});

test("position hooks reach queries, keys and scores", () => {
  const calls: string[] = [];
  const position = {
    rotate(x: Tensor, positions: Tensor) {
      calls.push(`rotate ${x.shape[1]} ${positions.shape}`);
      return x;
    },
    bias(q: Tensor, k: Tensor) {
      calls.push(`bias ${q.shape} ${k.shape}`);
      return tensor([[0, -1e3, -1e3]], { dtype: "float64" });
    },
  };
  const layer = make({ numHeads: 4, numKvHeads: 2, position });
  const x = draws(5, [1, 3, dModel]);
  close(
    layer.forward(x, { positions: arange(0, 3) }),
    naive(layer, x, (_, s) => s === 0),
  );
  expect(calls).toEqual(["rotate 4 3", "rotate 2 3", "bias 3 3"]);
  const more = tensor([[-1e4, 0, 0]], { dtype: "float64" });
  close(
    layer.forward(x, { positions: arange(0, 3), bias: add(more, zeros([3, 3], { dtype: "float64" })) }),
    naive(layer, x, (_, s) => s !== 0),
  );
});

test("observes probs of each head", () => {
  const layer = make({ numHeads: 2 });
  let shape: readonly number[] = [];
  layer.forward(draws(6, [2, 3, dModel]), { observe: ({ probs }) => (shape = probs.shape) });
  expect(shape).toEqual([2, 2, 3, 3]);
});

test("names what does not fit", () => {
  const attention = softmaxAttention();
  const weight = zerosInit();
  expect(() =>
    createMultiHeadAttention({ dModel: 8, numHeads: 3, attention, weight }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createMultiHeadAttention: numHeads does not divide the width, expected a divisor of dModel=8, got 3. Give dHead to choose another head width]`,
  );
  expect(() =>
    createMultiHeadAttention({ dModel: 8, numHeads: 4, numKvHeads: 3, attention, weight }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: FusedProjection: numKvHeads is wrong, expected a divisor of numHeads=4, got 3]`,
  );
  expect(() =>
    make({ numHeads: 2, position: { rotate: (x: Tensor) => x } }).forward(draws(1, [1, 2, dModel])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: MultiHeadAttention: positions is missing, expected int32 [T] or [B, T], got undefined. The layer's position encoding needs them]`,
  );
});

import {
  arange,
  dataSync,
  fromArray,
  matmul,
  multiply,
  slice,
  sum,
  type Tensor,
  valueAndGradients,
} from "@heed/tensor";
import type { AttentionFn, AttentionOptions, AttentionView } from "../attention-fn.ts";
import { hideUnfilled } from "../fit-keys.ts";
import { repeatHeads } from "../heads.ts";
import { KeyValueCache } from "../key-value-cache.ts";
import { causal } from "../masks/causal.ts";
import type { AttentionTraits } from "../testing.ts";
import {
  allRows,
  boolTensor,
  causalRows,
  expectClose,
  expectedOutput,
  gapRows,
  inputs,
  outputWeights,
  sizes,
  withRow,
} from "./inputs.ts";

export function checkOracle(attention: AttentionFn, { oracle }: AttentionTraits): void {
  const given = inputs();
  const { q, k, v } = given;
  expectClose("without a mask", dataSync(attention(q, k, v)), expectedOutput(oracle, given, allRows), 1e-10);
  for (const [name, rows] of Object.entries({ causal: causalRows, gaps: gapRows })) {
    expectClose(
      `mask ${name}`,
      dataSync(attention(q, k, v, { mask: boolTensor(rows) })),
      expectedOutput(oracle, given, rows),
      1e-10,
    );
  }
}

export function checkGradient(attention: AttentionFn): void {
  // one batch row: that rows are independent is a case of its own
  const first = (x: Tensor): Tensor => slice(x, [0, 0, 0, 0], [1, ...x.shape.slice(1)]);
  const given = inputs();
  const [q, k, v] = [first(given.q), first(given.k), first(given.v)];
  const weights = first(outputWeights());
  const mask = boolTensor(gapRows);
  const loss = (a: Tensor, b: Tensor, c: Tensor): Tensor => sum(multiply(attention(a, b, c, { mask }), weights));
  const { gradients } = valueAndGradients(() => loss(q, k, v), [q, k, v]);
  const step = 1e-5;
  [q, k, v].forEach((x, which) => {
    const values = dataSync(x);
    const numeric = values.map((value, i) => {
      const shifted = (by: number): number => {
        const moved = fromArray(
          values.map((old, j) => (j === i ? value + by : old)),
          x.shape,
          { dtype: "float64" },
        );
        return dataSync(loss(which === 0 ? moved : q, which === 1 ? moved : k, which === 2 ? moved : v))[0]!;
      };
      return (shifted(step) - shifted(-step)) / (2 * step);
    });
    const largest = Math.max(...Array.from(numeric, Math.abs));
    expectClose(`gradient of ${"qkv"[which]}`, dataSync(gradients[which]!), numeric, 1e-6 * Math.max(1, largest));
  });
}

export function checkMaskedKeys(attention: AttentionFn): void {
  const { q, k, v } = inputs();
  const mask = boolTensor(allRows.map((row) => row.map((_, s) => s !== 2)));
  const before = dataSync(attention(q, k, v, { mask }));
  const after = dataSync(attention(q, withRow(k, 2, 50), withRow(v, 2, -70), { mask }));
  expectClose("output after changing a hidden key", after, before, 0);
  const seen = dataSync(attention(q, k, withRow(v, 1, -70), { mask }));
  if (seen.every((value, i) => value === before[i]))
    throw new Error(
      "output after changing a visible value is unchanged: the mask is read upside down or the values are not",
    );
}

export function checkEmptyRow(attention: AttentionFn, { differentiable = true }: AttentionTraits): void {
  const { q, k, v } = inputs();
  const mask = boolTensor(allRows.map((row, t) => row.map(() => t !== 1)));
  const output = slice(attention(q, k, v, { mask }), [0, 0, 1, 0], [sizes.B, sizes.H, 1, sizes.Dv]);
  expectClose("query that sees nothing", dataSync(output), new Float64Array(output.size), 0);
  if (!differentiable) return;
  const { gradients } = valueAndGradients(() => sum(attention(q, k, v, { mask })), [q, k, v]);
  for (const gradient of gradients)
    if (!dataSync(gradient).every(Number.isFinite))
      throw new Error("gradient beside a query that sees nothing is not finite");
}

export function checkFuture(attention: AttentionFn): void {
  const { q, k, v } = inputs();
  const mask = causal()(arange(0, sizes.T), arange(0, sizes.S));
  const firstRows = (x: Tensor): ArrayLike<number> => dataSync(slice(x, [0, 0, 0, 0], [sizes.B, sizes.H, 3, sizes.Dv]));
  const before = firstRows(attention(q, k, v, { mask }));
  expectClose(
    "rows 0..2 after changing key 3",
    firstRows(attention(q, withRow(k, 3, 9), withRow(v, 3, 9), { mask })),
    before,
    0,
  );
}

export function checkRows(attention: AttentionFn): void {
  const { q, k, v } = inputs();
  const second = (x: Tensor): Tensor => slice(x, [1, 0, 0, 0], [1, ...x.shape.slice(1)]);
  expectClose(
    "batch row 1 alone",
    dataSync(attention(second(q), second(k), second(v))),
    dataSync(second(attention(q, k, v))),
    1e-12,
  );
}

/** What a call shows its observer. */
function viewOf(attention: AttentionFn, options: AttentionOptions): AttentionView & { readonly output: Tensor } {
  const { q, k, v } = inputs();
  const views: AttentionView[] = [];
  const output = attention(q, k, v, { ...options, observe: (view) => views.push(view) });
  if (views.length !== 1) throw new Error(`observe was called with views: value 0 is ${views.length}, expected 1`);
  return { ...views[0]!, output };
}

/** A bias is added to the scores; one far below them leaves a key no influence. */
export function checkBias(attention: AttentionFn, { bias: rule = "added" }: AttentionTraits): void {
  const { q, k, v } = inputs();
  const { B, H, T, S } = sizes;
  const far = [0, 0, -1e6, 0, -1e6];
  const bias = fromArray(Float64Array.from(far), [1, S], { dtype: "float64" });
  if (rule === "refused") {
    const text = messageOf(() => attention(q, k, v, { bias }));
    if (!text?.includes("bias")) throw new Error(`a bias should be refused by name, value 0 is ${text}`);
    return;
  }
  const before = dataSync(attention(q, k, v, { bias }));
  if (rule === "ignored") return expectClose("output with a bias", before, dataSync(attention(q, k, v)), 0);
  const changed = attention(q, withRow(k, 2, 3), withRow(v, 2, -70), { bias });
  expectClose("output after changing a key that a bias pushes away", dataSync(changed), before, 1e-6);
  const small = Float64Array.from({ length: H * T * S }, (_, i) => Math.sin(i));
  const options = { bias: fromArray(small, [H, T, S], { dtype: "float64" }) };
  const { scores, output } = viewOf(attention, options);
  expectClose("output with a bias, observed", dataSync(output), dataSync(attention(q, k, v, options)), 1e-12);
  const plain = dataSync(viewOf(attention, {}).scores);
  const added = dataSync(scores).map((score, i) => score - plain[i]!);
  expectClose(
    "what a bias adds to the scores",
    added,
    Float64Array.from({ length: B * H * T * S }, (_, i) => small[i % small.length]!),
    1e-9,
  );
}

/** The message of what a call throws, if it throws. */
function messageOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

export function checkView(attention: AttentionFn, { mixes = true }: AttentionTraits): void {
  const { q, k, v } = inputs();
  const mask = boolTensor(gapRows);
  const { scores, probs, output } = viewOf(attention, { mask });
  const { B, H, T, S } = sizes;
  for (const x of [scores, probs]) expectClose("shape of scores and probs", x.shape, [B, H, T, S], 0);
  const shown = dataSync(probs);
  const hidden = Float64Array.from(shown, (value, i) => (gapRows[Math.floor(i / S) % T]![i % S] ? 0 : value));
  expectClose("probs of hidden keys", hidden, new Float64Array(hidden.length), 0);
  expectClose("output of a call that observes", dataSync(output), dataSync(attention(q, k, v, { mask })), 1e-12);
  if (mixes) expectClose("probs times values", dataSync(matmul(probs, repeatHeads(v, H))), dataSync(output), 1e-12);
}

export function checkStepwise(attention: AttentionFn, { cacheable = true }: AttentionTraits): void {
  const { q, k, v } = inputs();
  const { B, H, G, T, D, Dv } = sizes;
  const at = (x: Tensor, heads: number, width: number, t: number): Tensor =>
    slice(x, [0, 0, t, 0], [B, heads, 1, width]);
  if (!cacheable) {
    const text = messageOf(() =>
      attention(at(q, H, D, 3), k, v, { positions: arange(3, 4), keyPositions: arange(0, T) }),
    );
    if (!text?.includes("cache"))
      throw new Error(`a decoding step should say that it cannot be cached, value 0 is ${text}`);
    return;
  }
  const whole = dataSync(attention(q, k, v, { mask: causal()(arange(0, T), arange(0, T)) }));
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: T + 2 });
  const steps: ArrayLike<number>[] = [];
  for (let t = 0; t < T; t++) {
    const positions = arange(t, t + 1);
    const keyPositions = cache.extend(positions);
    const stored = cache.layers[0]!.append(at(k, G, D, t), at(v, G, Dv, t));
    const mask = hideUnfilled(causal()(positions, keyPositions), stored.length, stored.keys.shape[2]!, q);
    steps.push(dataSync(attention(at(q, H, D, t), stored.keys, stored.values, { mask, positions, keyPositions })));
  }
  cache.dispose();
  const joined = Array.from(whole, (_, i) => steps[Math.floor(i / Dv) % T]![Math.floor(i / (T * Dv)) * Dv + (i % Dv)]!);
  expectClose("one query at a time", joined, whole, 1e-12);
}

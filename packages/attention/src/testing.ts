/** The cases that every attention function must pass. A plain list: run it under any test framework. */
import {
  arange,
  dataSync,
  fromArray,
  multiply,
  referenceBackend,
  rng,
  slice,
  sum,
  type Tensor,
  valueAndGradients,
  withBackend,
} from "@heed/tensor";
import type { AttentionFn } from "./attention-fn.ts";
import { hideUnfilled } from "./fit-keys.ts";
import { KeyValueCache } from "./key-value-cache.ts";
import { causal } from "./masks/causal.ts";

/** One named check; throws if it fails. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => void;
}

/** One head of one batch row, as plain rows. */
export interface HeadInput {
  /** [T][D] */
  readonly q: readonly (readonly number[])[];
  /** [S][D] */
  readonly k: readonly (readonly number[])[];
  /** [S][Dv] */
  readonly v: readonly (readonly number[])[];
  /** [T][S] */
  readonly visible: readonly (readonly boolean[])[];
}

/** What is particular to the attention function under test. */
export interface AttentionTraits {
  /** the definition in plain loops, written independently: one row per query. A query that sees nothing is not asked for */
  readonly oracle: (head: HeadInput) => number[][];
  /** shows that it becomes a known function in some limit of its inputs or options */
  readonly limit: () => void;
  /** false where the gradient is zero or not defined by design; default true */
  readonly differentiable?: boolean;
}

const sizes = { B: 2, H: 4, G: 2, T: 5, S: 5, D: 3, Dv: 2 };

/** Normal-ish draws, float64. */
function draw(seed: number, shape: readonly number[]): Tensor {
  const source = rng(seed);
  const size = shape.reduce((total, axis) => total * axis, 1);
  return fromArray(
    Float64Array.from({ length: size }, () => 2 * (source.next() + source.next() - 1)),
    shape,
    { dtype: "float64" },
  );
}

function inputs(): { q: Tensor; k: Tensor; v: Tensor } {
  const { B, H, G, T, S, D, Dv } = sizes;
  return { q: draw(1, [B, H, T, D]), k: draw(2, [B, G, S, D]), v: draw(3, [B, G, S, Dv]) };
}

/** Throws unless two lists of numbers agree. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  if (actual.length !== expected.length)
    throw new Error(`${what}: ${actual.length} values, expected ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) <= tolerance))
      throw new Error(`${what}: value ${i} is ${actual[i]}, expected ${expected[i]} within ${tolerance}`);
  }
}

const boolTensor = (rows: readonly (readonly boolean[])[]): Tensor =>
  fromArray(rows.flat().map(Number), [rows.length, rows[0]!.length], { dtype: "bool" });

const rowsOf = (x: Tensor, b: number, h: number): number[][] => {
  const [, H, R, C] = x.shape as [number, number, number, number];
  const values = dataSync(x);
  return Array.from({ length: R }, (_, r) =>
    Array.from({ length: C }, (_, c) => values[((b * H + h) * R + r) * C + c]!),
  );
};

/** The oracle over all batch rows and heads; 0 where a query sees nothing. */
function expectedOutput(
  oracle: AttentionTraits["oracle"],
  q: Tensor,
  k: Tensor,
  v: Tensor,
  visible: readonly (readonly boolean[])[],
): number[] {
  const { B, H, G, Dv } = sizes;
  const out: number[] = [];
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const group = Math.floor(h / (H / G));
      const seeing = visible.flatMap((row, t) => (row.some(Boolean) ? [t] : []));
      const queries = rowsOf(q, b, h);
      const rows = oracle({
        q: seeing.map((t) => queries[t]!),
        k: rowsOf(k, b, group),
        v: rowsOf(v, b, group),
        visible: seeing.map((t) => visible[t]!),
      });
      visible.forEach((_, t) =>
        out.push(...(seeing.includes(t) ? rows[seeing.indexOf(t)]! : new Array<number>(Dv).fill(0))),
      );
    }
  }
  return out;
}

const causalRows = Array.from({ length: sizes.T }, (_, t) => Array.from({ length: sizes.S }, (_, s) => s <= t));
const allRows = causalRows.map((row) => row.map(() => true));
/** Query 1 sees nothing, query 3 only key 2. */
const gapRows = allRows.map((row, t) => row.map((_, s) => (t === 1 ? false : t === 3 ? s === 2 : s !== 4)));

/** `x` with key/value row `s` of every head replaced by other numbers. */
function withRow(x: Tensor, s: number, value: number): Tensor {
  const [, , S, D] = x.shape as [number, number, number, number];
  const values = Float64Array.from(dataSync(x), (old, i) => (Math.floor(i / D) % S === s ? value + (i % 7) : old));
  return fromArray(values, x.shape, { dtype: "float64" });
}

function checkOracle(attention: AttentionFn, { oracle }: AttentionTraits): void {
  const { q, k, v } = inputs();
  expectClose("without a mask", dataSync(attention(q, k, v)), expectedOutput(oracle, q, k, v, allRows), 1e-10);
  for (const [name, rows] of Object.entries({ causal: causalRows, gaps: gapRows })) {
    expectClose(
      `mask ${name}`,
      dataSync(attention(q, k, v, { mask: boolTensor(rows) })),
      expectedOutput(oracle, q, k, v, rows),
      1e-10,
    );
  }
}

function checkGradient(attention: AttentionFn): void {
  const { q, k, v } = inputs();
  const weights = draw(4, [sizes.B, sizes.H, sizes.T, sizes.Dv]);
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

function checkMaskedKeys(attention: AttentionFn): void {
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

function checkEmptyRow(attention: AttentionFn, differentiable: boolean): void {
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

function checkFuture(attention: AttentionFn): void {
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

function checkRows(attention: AttentionFn): void {
  const { q, k, v } = inputs();
  const second = (x: Tensor): Tensor => slice(x, [1, 0, 0, 0], [1, ...x.shape.slice(1)]);
  expectClose(
    "batch row 1 alone",
    dataSync(attention(second(q), second(k), second(v))),
    dataSync(second(attention(q, k, v))),
    1e-12,
  );
}

function checkStepwise(attention: AttentionFn): void {
  const { q, k, v } = inputs();
  const { B, H, G, T, D, Dv } = sizes;
  const whole = dataSync(attention(q, k, v, { mask: causal()(arange(0, T), arange(0, T)) }));
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: T + 2 });
  const at = (x: Tensor, heads: number, width: number, t: number): Tensor =>
    slice(x, [0, 0, t, 0], [B, heads, 1, width]);
  const steps: ArrayLike<number>[] = [];
  for (let t = 0; t < T; t++) {
    const positions = arange(t, t + 1);
    const keyPositions = cache.extend(positions);
    const stored = cache.layers[0]!.append(at(k, G, D, t), at(v, G, Dv, t));
    const mask = hideUnfilled(causal()(positions, keyPositions), stored.length, stored.keys.shape[2]!, q);
    steps.push(dataSync(attention(at(q, H, D, t), stored.keys, stored.values, { mask })));
  }
  cache.dispose();
  const joined = Array.from(whole, (_, i) => steps[Math.floor(i / Dv) % T]![Math.floor(i / (T * Dv)) * Dv + (i % Dv)]!);
  expectClose("one query at a time", joined, whole, 1e-12);
}

/**
 * Cases that every attention function must pass, on the reference backend in float64.
 *
 * @param make builds the function under test
 * @see house style, section 10
 * @example
 * import { attentionContract } from "@heed/attention/testing";
 * for (const { name, run } of attentionContract(() => softmaxAttention(), traits)) test(name, run);
 */
export function attentionContract(make: () => AttentionFn, traits: AttentionTraits): ContractCase[] {
  const { differentiable = true } = traits;
  const cases: Record<string, (attention: AttentionFn) => void> = {
    "equals the oracle at a small size": (attention) => checkOracle(attention, traits),
    ...(differentiable && { "gradient equals finite differences": checkGradient }),
    "hidden keys have no influence": checkMaskedKeys,
    "a query that sees no key gives 0": (attention) => checkEmptyRow(attention, differentiable),
    "the future has no influence under a causal mask": checkFuture,
    "batch rows are independent": checkRows,
    "stepwise decoding equals one pass": checkStepwise,
    "becomes a known function in its limit": () => traits.limit(),
  };
  return Object.entries(cases).map(([name, check]) => ({
    name,
    run: () => withBackend(referenceBackend(), () => check(make())),
  }));
}

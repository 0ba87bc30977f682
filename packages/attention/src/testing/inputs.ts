import { dataSync, fromArray, rng, type Tensor } from "@heed/tensor";

/** One head of one batch row, as plain rows. */
export interface HeadRows {
  /** [T][D] */
  readonly q: readonly (readonly number[])[];
  /** [S][D] */
  readonly k: readonly (readonly number[])[];
  /** [S][Dv] */
  readonly v: readonly (readonly number[])[];
}

/** What an oracle is asked about: one head of one batch row. */
export interface HeadInput extends HeadRows {
  /** [T][S] */
  readonly visible: readonly (readonly boolean[])[];
  /** which query head it is */
  readonly head: number;
  /** all heads of this batch row, for functions that mix them */
  readonly heads: readonly HeadRows[];
}

export const sizes = { B: 2, H: 4, G: 2, T: 5, S: 5, D: 4, Dv: 2 };

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

export function inputs(): { q: Tensor; k: Tensor; v: Tensor } {
  const { B, H, G, T, S, D, Dv } = sizes;
  return { q: draw(1, [B, H, T, D]), k: draw(2, [B, G, S, D]), v: draw(3, [B, G, S, Dv]) };
}

/** What the gradient check weighs outputs with. */
export const outputWeights = (): Tensor => draw(4, [sizes.B, sizes.H, sizes.T, sizes.Dv]);

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

export const boolTensor = (rows: readonly (readonly boolean[])[]): Tensor =>
  fromArray(rows.flat().map(Number), [rows.length, rows[0]!.length], { dtype: "bool" });

const rowsOf = (x: Tensor, b: number, h: number): number[][] => {
  const [, H, R, C] = x.shape as [number, number, number, number];
  const values = dataSync(x);
  return Array.from({ length: R }, (_, r) =>
    Array.from({ length: C }, (_, c) => values[((b * H + h) * R + r) * C + c]!),
  );
};

/** The oracle over all batch rows and heads; 0 where a query sees nothing. */
export function expectedOutput(
  oracle: (head: HeadInput) => number[][],
  { q, k, v }: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
  visible: readonly (readonly boolean[])[],
): number[] {
  const [B, H] = q.shape as [number, number];
  const G = k.shape[1]!;
  const expected: number[] = [];
  for (let b = 0; b < B; b++) {
    const heads = Array.from({ length: H }, (_, h): HeadRows => {
      const group = Math.floor((h * G) / H);
      return { q: rowsOf(q, b, h), k: rowsOf(k, b, group), v: rowsOf(v, b, group) };
    });
    heads.forEach((rows, head) => {
      const answers = oracle({ ...rows, visible, head, heads });
      answers.forEach((row, t) => expected.push(...row.map((value) => (visible[t]!.some(Boolean) ? value : 0))));
    });
  }
  return expected;
}

export const allRows = Array.from({ length: sizes.T }, () => new Array<boolean>(sizes.S).fill(true));
export const causalRows = allRows.map((row, t) => row.map((_, s) => s <= t));
/** Query 1 sees nothing, query 3 only key 2. */
export const gapRows = allRows.map((row, t) => row.map((_, s) => (t === 1 ? false : t === 3 ? s === 2 : s !== 4)));

/** x with row s of its third axis replaced. */
export function withRow(x: Tensor, s: number, value: number): Tensor {
  const [, , S, D] = x.shape as [number, number, number, number];
  const values = Float64Array.from(dataSync(x), (old, i) => (Math.floor(i / D) % S === s ? value + (i % 7) : old));
  return fromArray(values, x.shape, { dtype: "float64" });
}

/** The cases that every position encoding must pass. A plain list: run it under any test framework. */
import { arange, dataSync, fromArray, referenceBackend, rng, slice, type Tensor, withBackend } from "@heed/tensor";
import type { PositionEncoding } from "./position-encoding.ts";

/** One named check; throws if it fails. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => void;
}

/** Numbers that the encoding must give, from its paper or from a reference implementation. */
export interface PublishedValues {
  readonly hook: "embed" | "rotate" | "bias" | "contentBias";
  /** int32 [T] */
  readonly positions: readonly number[];
  /** input of `embed` [1, T, E] or `rotate` [1, 1, T, D], queries and keys of `contentBias`; not for `bias` */
  readonly x?: readonly number[];
  /** what the hook returns, row-major */
  readonly expected: readonly number[];
  /** default 1e-6 */
  readonly tolerance?: number;
}

/** What is particular to the encoding under test. */
export interface PositionTraits {
  /** width of embeddings, and of query and key heads */
  readonly width: number;
  /** only distances matter: scores do not change when all positions move together */
  readonly relative: boolean;
  /** one more than the last position it knows, at least 8 */
  readonly maxSeqLen: number;
  /** built with other options or weights; must not change what the first gives */
  readonly other: () => PositionEncoding;
  readonly published: readonly PublishedValues[];
  /** tells places apart by their neighbours and does not read positions (a convolution); default false */
  readonly fromNeighbours?: boolean;
  /** tells no places apart, as `none`: `published` may then be empty; default false */
  readonly inert?: boolean;
}

const length = 4;

function expectClose(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  if (actual.length !== expected.length)
    throw new Error(`${what}: ${actual.length} values, expected ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) <= tolerance))
      throw new Error(`${what}: value ${i} is ${actual[i]}, expected ${expected[i]} within ${tolerance}`);
  }
}

function draw(seed: number, shape: readonly number[]): Tensor {
  const source = rng(seed);
  const size = shape.reduce((total, axis) => total * axis, 1);
  return fromArray(
    Float64Array.from({ length: size }, () => 2 * source.next() - 1),
    shape,
    { dtype: "float64" },
  );
}

/** Scores [T, S] of one head, one row, with everything the encoding does to them. */
function scores(
  encoding: PositionEncoding,
  queries: Tensor,
  keys: Tensor,
  queryPositions: Tensor,
  keyPositions: Tensor,
): Float64Array {
  const T = queryPositions.size;
  const S = keyPositions.size;
  const D = queries.shape.at(-1)!;
  const place = (x: Tensor, positions: Tensor): ArrayLike<number> => {
    const added = encoding.embed ? encoding.embed(x, positions) : x;
    const rows = fromArray(dataSync(added), [1, 1, positions.size, D], { dtype: "float64" });
    return dataSync(encoding.rotate ? encoding.rotate(rows, positions) : rows);
  };
  const q = place(queries, queryPositions);
  const k = place(keys, keyPositions);
  const bias = encoding.bias && dataSync(encoding.bias(queryPositions, keyPositions));
  const heads = (x: ArrayLike<number>, count: number): Tensor => fromArray(x, [1, 1, count, D], { dtype: "float64" });
  const content =
    encoding.contentBias && dataSync(encoding.contentBias(heads(q, T), heads(k, S), queryPositions, keyPositions));
  return Float64Array.from({ length: T * S }, (_, i) => {
    const [t, s] = [Math.floor(i / S), i % S];
    let score = (bias?.[i] ?? 0) + (content?.[i] ?? 0);
    for (let d = 0; d < D; d++) score += q[t * D + d]! * k[s * D + d]!;
    return score;
  });
}

/** The same token everywhere: the largest difference in a row, which softmax over keys sees, is what positions tell. */
function spreadOfEqualTokens(encoding: PositionEncoding, width: number): number {
  const token = dataSync(draw(5, [1, 1, width]));
  const same = fromArray(
    Float64Array.from({ length: length * width }, (_, i) => token[i % width]!),
    [1, length, width],
    { dtype: "float64" },
  );
  const positions = arange(0, length);
  const all = scores(encoding, same, same, positions, positions);
  const spreads = Array.from({ length }, (_, t) => {
    const row = all.slice(t * length, (t + 1) * length);
    return Math.max(...row) - Math.min(...row);
  });
  return Math.max(...spreads);
}

function checkOrder(encoding: PositionEncoding, { width }: PositionTraits): void {
  if (spreadOfEqualTokens(encoding, width) > 1e-6) return;
  throw new Error("equal tokens at different positions get equal scores in every row: order does not matter");
}

function checkInert(encoding: PositionEncoding, { width }: PositionTraits): void {
  const spread = spreadOfEqualTokens(encoding, width);
  if (spread === 0) return;
  throw new Error(`scores of equal tokens differ by ${spread}, expected 0 of an encoding declared inert`);
}

function checkShift(encoding: PositionEncoding, { width, relative, maxSeqLen }: PositionTraits): void {
  const [queries, keys] = [draw(6, [1, length, width]), draw(7, [1, length, width])];
  const at = (start: number): Float64Array =>
    scores(encoding, queries, keys, arange(start, start + length), arange(start, start + length));
  const shift = maxSeqLen - length;
  if (relative) return expectClose(`scores after moving all positions by ${shift}`, at(shift), at(0), 1e-6);
  if (at(shift).every((value, i) => Math.abs(value - at(0)[i]!) <= 1e-6))
    throw new Error(
      "scores do not change when all positions move, expected that of an absolute encoding to. Declare it relative",
    );
}

type Hook = PublishedValues["hook"];

function apply(encoding: PositionEncoding, hook: Hook, x: Tensor | undefined, positions: Tensor): ArrayLike<number> {
  if (hook === "bias") return dataSync(encoding.bias!(positions, positions));
  if (hook === "contentBias") return dataSync(encoding.contentBias!(x!, x!, positions, positions));
  return dataSync(encoding[hook]!(x!, positions));
}

function checkPublished(encoding: PositionEncoding, { published, width, inert }: PositionTraits): void {
  if (published.length === 0 && !inert)
    throw new Error("traits.published is empty, expected values from the paper or a reference implementation");
  published.forEach(({ hook, positions, x, expected, tolerance = 1e-6 }, i) => {
    const shape = hook === "embed" ? [1, positions.length, width] : [1, 1, positions.length, width];
    const input = x && fromArray(x, shape, { dtype: "float64" });
    expectClose(
      `published[${i}] ${hook}`,
      apply(encoding, hook, input, fromArray(positions, [positions.length], { dtype: "int32" })),
      expected,
      tolerance,
    );
  });
}

const hooksOf = (encoding: PositionEncoding) =>
  (["embed", "rotate", "bias", "contentBias"] as const).filter((hook) => encoding[hook]);

const inputFor = (hook: string, width: number, T: number): Tensor =>
  draw(8, hook === "embed" ? [1, T, width] : [1, 1, T, width]);

function checkInterference(make: () => PositionEncoding, { other, width }: PositionTraits): void {
  const first = make();
  for (const hook of hooksOf(first)) {
    const x = inputFor(hook, width, length);
    const before = apply(first, hook, x, arange(0, length));
    const second = other();
    if (second[hook]) apply(second, hook, x, arange(0, length));
    expectClose(`${hook} after another instance was used`, apply(first, hook, x, arange(0, length)), before, 0);
  }
}

/** A convolution gives the same whatever positions it is told. */
function checkNeighbours(encoding: PositionEncoding, { width }: PositionTraits): void {
  const x = inputFor("embed", width, length);
  const at = (start: number): ArrayLike<number> => apply(encoding, "embed", x, arange(start, start + length));
  expectClose("embed at other positions", at(3), at(0), 0);
}

/** Positions 3..6 give what places 3..6 of positions 0..6 give: nothing is inferred from a shape. */
function checkOffset(encoding: PositionEncoding, { width }: PositionTraits): void {
  const start = 3;
  const whole = start + length;
  for (const hook of hooksOf(encoding)) {
    const all = arange(0, whole);
    const some = arange(start, whole);
    const x = inputFor(hook, width, whole);
    const starts = x.shape.map((_, axis) => (axis === x.shape.length - 2 ? start : 0));
    const sizes = x.shape.map((size, axis) => (axis === x.shape.length - 2 ? length : size));
    const last = (): Tensor => slice(x, starts, sizes);
    if (hook === "bias" || hook === "contentBias") {
      const of = (queries: Tensor, positions: Tensor): Tensor =>
        hook === "bias" ? encoding.bias!(positions, all) : encoding.contentBias!(queries, x, positions, all);
      const full = of(x, all);
      const [b, h] = full.shape as [number, number];
      expectClose(
        `${hook} of an offset`,
        dataSync(of(last(), some)),
        dataSync(slice(full, [0, 0, start, 0], [b, h, length, whole])),
        0,
      );
      continue;
    }
    const full = encoding[hook]!(x, all);
    expectClose(`${hook} of an offset`, apply(encoding, hook, last(), some), dataSync(slice(full, starts, sizes)), 0);
  }
}

/**
 * Cases that every position encoding must pass, on the reference backend in float64.
 *
 * @param make builds the encoding under test, with float64 weights if it has any
 * @see house style, section 10
 * @example
 * import { positionContract } from "@heed/positions/testing";
 * for (const { name, run } of positionContract(() => sinusoidal(), traits)) test(name, run);
 */
export function positionContract(make: () => PositionEncoding, traits: PositionTraits): ContractCase[] {
  const cases: Record<string, () => void> = {
    ...(traits.inert
      ? { "order does not matter": () => checkInert(make(), traits) }
      : { "order matters": () => checkOrder(make(), traits) }),
    [traits.relative ? "scores are invariant to a shift of all positions" : "scores depend on absolute positions"]:
      () => checkShift(make(), traits),
    "gives the published values": () => checkPublished(make(), traits),
    "two instances do not interfere": () => checkInterference(make, traits),
    ...(traits.fromNeighbours
      ? { "positions are not read": () => checkNeighbours(make(), traits) }
      : { "an offset equals a slice": () => checkOffset(make(), traits) }),
  };
  return Object.entries(cases).map(([name, check]) => ({ name, run: () => withBackend(referenceBackend(), check) }));
}

import { bindShapes, formatShape, permute, reshape, ShapeError, type Tensor } from "@heed/tensor";

/** What a projection reads: in self-attention three times the same tensor. */
export interface ProjectionInput {
  /** queries come from it, [B, T, E] */
  readonly x: Tensor;
  /** keys come from it, [B, S, Ek] */
  readonly keys: Tensor;
  /** values come from it, [B, S, Ev] */
  readonly values: Tensor;
}

/** How queries and keys learn their positions; the identity where the layer has no such encoding. */
export interface Rotate {
  /** [B, H, T, D] -> the same */
  query(x: Tensor): Tensor;
  /** [B, G, S, D] -> the same */
  key(x: Tensor): Tensor;
}

/** Keys and values as a cache stores them: [B, G, S, D] and [B, G, S, Dv] unless the projection expands them. */
export interface KeysAndValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Queries too, [B, H, T, D]. */
export interface Projected extends KeysAndValues {
  readonly q: Tensor;
}

/** The slot of a multi-head layer that makes heads: how queries, keys and values come from what the layer reads. */
export interface Projection {
  /** H */
  readonly numHeads: number;
  /** G, a divisor of H */
  readonly numKvHeads: number;
  /** width of a value (Dv) */
  readonly dValue: number;
  project(input: ProjectionInput, rotate: Rotate): Projected;
  /** Queries alone, where keys and values are stored already. Shapes: x [B, T, E] -> [B, H, T, D]. */
  queries(x: Tensor, rotate: Rotate): Tensor;
  /** What stored keys and values become before attention: [B, G, S, D], [B, G, S, Dv]. Default: they are that already. */
  expand?(stored: KeysAndValues): KeysAndValues;
  /** The same projection with only these query heads, and the key/value heads they use. */
  keepHeads(heads: readonly number[]): Projection;
}

/** [B, T, N D] -> [B, N, T, D]. */
export function toHeads(x: Tensor, N: number): Tensor {
  const [B, T, width] = x.shape as [number, number, number];
  return permute(reshape(x, [B, T, N, width / N]), [0, 2, 1, 3]);
}

/** Throws unless H and G are whole and G divides H. */
export function checkHeadCounts(where: string, numHeads: number, numKvHeads: number): void {
  if (!Number.isInteger(numHeads) || numHeads < 1)
    throw new RangeError(`${where}: numHeads is out of range, expected a whole number >= 1, got ${numHeads}`);
  if (!Number.isInteger(numKvHeads) || numKvHeads < 1 || numHeads % numKvHeads !== 0)
    throw new RangeError(
      `${where}: numKvHeads is wrong, expected a divisor of numHeads=${numHeads}, got ${numKvHeads}`,
    );
}

/** Throws unless the sources of keys and values fit. */
export function checkSources(where: string, { x, keys, values }: ProjectionInput): void {
  bindShapes(where, { x: [x, "B T E"], context: [keys, "B S Ek"], valueContext: [values, "B S Ev"] });
}

/** Throws unless a layer's output is a whole number of heads; returns the head width. */
export function headWidth(where: string, argument: string, dOut: number, heads: number): number {
  if (dOut % heads === 0) return dOut / heads;
  throw new ShapeError(`${where}: ${argument} has dOut=${dOut}, expected a multiple of ${heads} heads`);
}

/** The key/value heads that these query heads use; throws unless each of them is left the same number of query heads. */
export function groupsOf(heads: readonly number[], numHeads: number, numKvHeads: number): number[] {
  const size = numHeads / numKvHeads;
  const counts = new Map<number, number>();
  for (const head of heads) counts.set(Math.floor(head / size), (counts.get(Math.floor(head / size)) ?? 0) + 1);
  if (new Set(counts.values()).size > 1)
    throw new RangeError(
      `pruneHeads: heads leave ${formatShape([...counts.values()])} query heads to key/value heads ${formatShape([...counts.keys()])}, expected the same number for each`,
    );
  return [...counts.keys()];
}

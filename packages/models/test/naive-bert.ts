// BERT as plain loops over numbers, one row at a time: the oracle of the tests. Written from the papers and the original's code,
// with nothing of the packages in it.
import type { BertConfig } from "../src/index.ts";

/** A weight as numbers. */
export interface Weight {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

type Weights = ReadonlyMap<string, Weight>;
type Rows = readonly (readonly number[])[];

/** One row to read. */
export interface NaiveRow {
  readonly tokens: readonly number[];
  readonly segments: readonly number[];
  readonly keep: readonly boolean[];
}

/** The error function by its power series, exact enough for small arguments, and its limit for large ones. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, total] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const functions: Readonly<Record<string, (x: number) => number>> = {
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  relu: (x) => Math.max(0, x),
};

class Reader {
  readonly weights: Weights;

  constructor(weights: Weights) {
    this.weights = weights;
  }

  of(name: string): Weight {
    const found = this.weights.get(name);
    if (!found) throw new Error(`naiveBert: no weight ${name}`);
    return found;
  }

  row(name: string, i: number): readonly number[] {
    const { shape, values } = this.of(name);
    return values.slice(i * shape[1]!, (i + 1) * shape[1]!);
  }

  /** x W^T + b */
  linear(name: string, rows: Rows): number[][] {
    const bias = this.of(`${name}.bias`).values;
    return rows.map((x) => bias.map((b, o) => this.row(`${name}.weight`, o).reduce((sum, w, i) => sum + w * x[i]!, b)));
  }

  norm(name: string, rows: Rows, epsilon: number): number[][] {
    const [gain, bias] = [this.of(`${name}.gain`).values, this.of(`${name}.bias`).values];
    return rows.map((x) => {
      const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
      const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
      return x.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * gain[i]! + bias[i]!);
    });
  }
}

const plus = (a: Rows, b: Rows): number[][] => a.map((row, t) => row.map((value, i) => value + b[t]![i]!));
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function attend(read: Reader, block: string, x: Rows, config: BertConfig, keep: readonly boolean[]): number[][] {
  const { dModel, numHeads, maxSeqLen, positions = "absolute" } = config;
  const D = dModel / numHeads;
  const [q, k, v] = ["query", "key", "value"].map((part) => read.linear(`${block}.attention.projection.${part}`, x));
  const mixed = x.map(() => new Array<number>(dModel).fill(0));
  for (let h = 0; h < numHeads; h++) {
    const head = (rows: Rows, t: number) => rows[t]!.slice(h * D, (h + 1) * D);
    x.forEach((_, t) => {
      const scores = x.map((_, s) => {
        if (!keep[s] || (config.causal && s > t)) return -Infinity;
        const table =
          positions === "absolute" ? [] : read.row(`${block}.attention.position.keys`, s - t + maxSeqLen - 1);
        const fromQuery = positions === "absolute" ? 0 : dot(head(q!, t), table);
        const fromKey = positions === "relative-both" ? dot(head(k!, s), table) : 0;
        return (dot(head(q!, t), head(k!, s)) + fromQuery + fromKey) / Math.sqrt(D);
      });
      const top = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - top));
      const total = powers.reduce((sum, power) => sum + power, 0);
      powers.forEach((power, s) => {
        head(v!, s).forEach((value, i) => void (mixed[t]![h * D + i]! += (power / total) * value));
      });
    });
  }
  return read.linear(`${block}.attention.output`, mixed);
}

/** Rows of the table of positions. */
function rowsOf({ tokens }: NaiveRow, { paddingId, countRealTokens }: BertConfig): number[] {
  if (!countRealTokens) return tokens.map((_, t) => t);
  let count = 0;
  return tokens.map((token) => (token === paddingId ? paddingId! : paddingId! + ++count));
}

/** States of a row and the vector of its first token. */
export function naiveBert(weights: Weights, config: BertConfig, row: NaiveRow): { states: Rows; pooled: number[] } {
  const read = new Reader(weights);
  const { layerNormEpsilon: epsilon = 1e-12, activation = "gelu", numLayers, sharing } = config;
  const places = rowsOf(row, config);
  const embedded = row.tokens.map((token, t) => {
    const parts = [
      read.row("encoder.embedding.tokens.weight", token),
      read.row("encoder.embedding.segments.weight", row.segments[t]!),
      ...(config.positions ? [] : [read.row("encoder.embedding.position.table", places[t]!)]),
    ];
    return parts[0]!.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
  });
  const normalized = read.norm("encoder.embeddingNorm", embedded, epsilon);
  let x: Rows = config.dEmbedding ? read.linear("encoder.embeddingProjection", normalized) : normalized;
  for (let layer = 0; layer < numLayers * (sharing?.layersPerGroup ?? 1); layer++) {
    const block = `encoder.blocks.${layer % (sharing ? sharing.layersPerGroup : Infinity)}`;
    x = read.norm(`${block}.norm1`, plus(x, attend(read, block, x, config, row.keep)), epsilon);
    const wide = read.linear(`${block}.feedForward.expand`, x).map((values) => values.map(functions[activation]!));
    x = read.norm(`${block}.norm2`, plus(x, read.linear(`${block}.feedForward.contract`, wide)), epsilon);
  }
  return { states: x, pooled: read.linear("heads.pooled.dense", [x[0]!])[0]!.map(Math.tanh) };
}

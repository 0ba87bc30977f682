import {
  alibi,
  alibiSlopes,
  type PositionEncoding,
  rotary,
  sinusoidal,
  sinusoidal2d,
  T5Bias,
  t5Bucket,
} from "@heed/positions";
import { arange, fromArray, pad, reshape, slice, type Tensor } from "@heed/tensor";
import type { GoldenCase } from "../golden.ts";
import { int32, unknownNames } from "../support.ts";
import { compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Leaves = Readonly<Record<string, Tensor>>;

/** How a reference's case is computed: the options and inputs it knows, its leaves and outputs. */
interface Formula {
  readonly options: readonly string[];
  readonly inputs?: readonly string[];
  readonly leaves?: (golden: GoldenCase) => Leaves;
  readonly forward: (golden: GoldenCase, leaves: Leaves) => Leaves;
}

const number = ({ call }: GoldenCase, option: string): number => Number(call[option]);

const t5Options = (golden: GoldenCase) => ({
  bidirectional: golden.call["bidirectional"] === true,
  maxDistance: number(golden, "max_distance"),
});

const bucket: Formula = {
  options: ["bidirectional", "num_buckets", "max_distance"],
  inputs: ["relative_position"],
  forward: (golden) => {
    const { values, shape } = inputOf(golden, "relative_position");
    const options = { ...t5Options(golden), numBuckets: number(golden, "num_buckets") };
    const buckets = Int32Array.from(values, (distance) => t5Bucket(distance, options));
    return { bucket: fromArray(buckets, shape, { dtype: "int32" }) };
  },
};

const t5: Formula = {
  options: ["bidirectional", "num_buckets", "max_distance", "queries", "keys"],
  inputs: ["table"],
  leaves: (golden) => ({ table: float32(inputOf(golden, "table")) }),
  forward: (golden, { table }) => ({
    output: new T5Bias(table!, t5Options(golden)).bias(
      arange(0, number(golden, "queries")),
      arange(0, number(golden, "keys")),
    ),
  }),
};

const slopes: Formula = {
  options: ["heads"],
  forward: (golden) => {
    const values = alibiSlopes(number(golden, "heads"));
    return { slopes: fromArray(Float32Array.from(values), [values.length]) };
  },
};

/** The last query's row of the bias: slope * (key - (T - 1)). */
const mpt: Formula = {
  options: ["heads", "length"],
  forward: (golden) => {
    const [numHeads, length] = [number(golden, "heads"), number(golden, "length")];
    const encoding = alibi({ numHeads, slopes: alibiSlopes(numHeads, { order: "mpt" }) });
    const all = encoding.bias!(arange(length - 1, length), arange(0, length));
    return { bias: reshape(all, [numHeads, 1, length]) };
  },
};

const rope = (layout: "half-split" | "interleaved"): Formula => ({
  options: ["base"],
  inputs: ["input", "position_ids", "cotangent"],
  leaves: (golden) => ({ input: float32(inputOf(golden, "input")) }),
  forward: (golden, { input }) => ({
    output: rotary({ base: number(golden, "base"), layout }).rotate!(input!, int32(inputOf(golden, "position_ids"))),
  }),
});

const sinusoids = (encoding: PositionEncoding, table: (vectors: Tensor) => Tensor = (x) => x): Formula => ({
  options: ["length", "dim"],
  forward: (golden) => ({
    table: table(encoding.vectors!(arange(0, number(golden, "length")), { dModel: number(golden, "dim") })),
  }),
});

const grid: Formula = {
  options: ["dim", "grid"],
  forward: (golden) => {
    const size = number(golden, "grid");
    const encoding = sinusoidal2d({ grid: [size, size], numPrefix: 1 });
    return { table: encoding.vectors!(arange(0, size * size + 1), { dModel: number(golden, "dim") }) };
  },
};

/** Formulas by the end of the reference's name. */
const formulas: Readonly<Record<string, Formula>> = {
  "T5Attention._relative_position_bucket": bucket,
  "T5Attention.compute_bias": t5,
  "bloom build_alibi_tensor": slopes,
  "mpt build_mpt_alibi_tensor": mpt,
  LlamaRotaryEmbedding: rope("half-split"),
  "gptj apply_rotary_pos_emb": rope("interleaved"),
  " PositionalEncoding": sinusoids(sinusoidal()),
  MarianSinusoidalPositionalEmbedding: sinusoids(sinusoidal({ layout: "concatenated" })),
  " SinusoidalPositionalEmbedding": sinusoids(
    sinusoidal({ layout: "concatenated", spacing: "tensor2tensor" }),
    withoutPadding,
  ),
  "vit_mae get_2d_sincos_pos_embed": grid,
};

/** fairseq's row 0 belongs to the padding token and is zero. */
function withoutPadding(table: Tensor): Tensor {
  const [length, E] = table.shape as [number, number];
  return pad(slice(table, [1, 0], [length - 1, E]), [1, 0], [0, 0]);
}

const formulaOf = ({ call }: GoldenCase): Formula | undefined =>
  Object.entries(formulas).find(([name]) => String(call["reference"]).endsWith(name))?.[1];

/** `unit-positions`: tables, biases and rotations of position encodings. */
export const runPositions: UnitRunner = {
  refuses: (golden) => {
    const formula = formulaOf(golden);
    if (!formula)
      return `reference ${String(golden.call["reference"])} is not supported, expected one of ${Object.keys(formulas).join(", ")}`;
    return (
      unknownNames("options", Object.keys(golden.call), ["reference", ...formula.options]) ??
      unknownNames("inputs", golden.inputs.keys(), formula.inputs ?? [])
    );
  },
  run: (golden) => {
    const formula = formulaOf(golden)!;
    const leaves = formula.leaves?.(golden) ?? {};
    return compute(golden, { leaves, forward: () => formula.forward(golden, leaves) });
  },
};

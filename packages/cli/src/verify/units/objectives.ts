import { corruptSpans, shiftRight, spanCorruptionLengths } from "@heed/objectives";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { inputOf, type UnitRunner } from "./unit-runner.ts";

/** A recorded preparation: the inputs and options it knows, and how it is done here. */
interface Preparation {
  readonly inputs: readonly string[];
  readonly options: readonly string[];
  prepare(golden: GoldenCase): Readonly<Record<string, GoldenArray>>;
}

const idsOf = ({ values }: GoldenArray): Int32Array => Int32Array.from(values);
const option = ({ call }: GoldenCase, name: string, other: number): number => Number(call[name] ?? other);
const rowsOf = (array: GoldenArray): Int32Array[] => {
  const [numRows, length] = array.shape as [number, number];
  return Array.from({ length: numRows }, (_, i) => idsOf(array).slice(i * length, (i + 1) * length));
};
const table = (rows: readonly Int32Array[]): GoldenArray => ({
  shape: [rows.length, rows[0]?.length ?? 0],
  values: rows.flatMap((row) => [...row]),
});

/** Rates were recorded in float32; as decimals of 7 digits they are what was meant. */
const decimal = (value: number | undefined): number => Number((value ?? Number.NaN).toPrecision(7));

const preparations: Readonly<Record<string, Preparation>> = {
  span_corruption: {
    inputs: ["tokens", "noise_mask"],
    options: ["vocab_size", "eos", "noise_density", "mean_span"],
    prepare(golden) {
      const noise = rowsOf(inputOf(golden, "noise_mask"));
      const sizes = { vocabSize: option(golden, "vocab_size", 0), endId: option(golden, "eos", 1) };
      const parts = rowsOf(inputOf(golden, "tokens")).map((row, i) => corruptSpans(row, noise[i]!, sizes));
      return {
        input_ids: table(parts.map(({ inputs }) => inputs)),
        labels: table(parts.map(({ targets }) => targets)),
      };
    },
  },
  span_corruption_lengths: {
    inputs: ["inputs_length", "noise_density", "mean_span"],
    options: [],
    prepare(golden) {
      const [rates, spans] = [inputOf(golden, "noise_density").values, inputOf(golden, "mean_span").values];
      const lengths = inputOf(golden, "inputs_length");
      const found = Array.from(lengths.values, (inputLength, i) =>
        spanCorruptionLengths({ inputLength, maskRate: decimal(rates[i]), meanSpan: decimal(spans[i]) }),
      );
      return {
        tokens_length: { shape: lengths.shape, values: found.map(({ numTokens }) => numTokens) },
        targets_length: { shape: lengths.shape, values: found.map(({ targetLength }) => targetLength) },
      };
    },
  },
  shift_right: {
    inputs: ["labels"],
    options: ["pad", "start"],
    prepare(golden) {
      const ids = { startId: option(golden, "start", 0), paddingId: option(golden, "pad", 0) };
      const rows = rowsOf(inputOf(golden, "labels")).map((labels) => shiftRight(labels, ids));
      return { decoder_input_ids: table(rows) };
    },
  },
};

/** The preparation with the longest name that the case's begins with. */
function preparationOf({ name }: GoldenCase): Preparation | undefined {
  const names = Object.keys(preparations).filter((known) => name === known || name.startsWith(`${known}_`));
  return preparations[names.sort((a, b) => b.length - a.length)[0] ?? ""];
}

/** The cases of `unit-objectives`: what examples are made of, in whole numbers. */
export const runObjectives: UnitRunner = {
  refuses(golden) {
    const preparation = preparationOf(golden);
    if (!preparation) return unknownNames("preparation", [golden.name], Object.keys(preparations));
    if (golden.grads.size > 0) return "gradients of whole numbers are not supported, expected outputs only";
    return (
      unknownNames("options", Object.keys(golden.call), ["reference", ...preparation.options]) ??
      unknownNames("inputs", golden.inputs.keys(), preparation.inputs)
    );
  },
  async run(golden) {
    return { outputs: new Map(Object.entries(preparationOf(golden)!.prepare(golden))), grads: new Map() };
  },
};

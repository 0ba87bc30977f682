import { DeviationNorm, GroupNorm, LayerNorm, type Norm, RmsNorm, ScaleNorm } from "@heed/nn";
import type { Tensor } from "@heed/tensor";
import type { GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

/** A norm of a reference: its options, its weights, and how it is made. */
interface Formula {
  readonly options: readonly string[];
  readonly weights: readonly string[];
  readonly make: (weights: readonly Tensor[], call: GoldenCase["call"]) => Norm;
}

const rms = (gainOffset = 0): Formula => ({
  options: ["eps"],
  weights: ["weight"],
  make: ([gain], { eps }) => new RmsNorm(gain!, { epsilon: Number(eps), gainOffset }),
});

/** By the end of the reference's name. */
const byReference: Readonly<Record<string, Formula>> = {
  LlamaRMSNorm: rms(),
  T5LayerNorm: rms(),
  GemmaRMSNorm: rms(1),
  " ScaleNorm": { options: [], weights: ["g"], make: ([gain]) => new ScaleNorm(gain!) },
  " LayerNorm": {
    options: ["eps"],
    weights: ["weight", "bias"],
    make: ([gain, bias], { eps }) => new DeviationNorm(gain!, bias!, Number(eps)),
  },
};

/** By the name of a case of PyTorch's own norms, whole or before a further `_`. */
const byName: Readonly<Record<string, Formula>> = {
  layer_norm: {
    options: ["eps"],
    weights: ["weight", "bias"],
    make: ([gain, bias], { eps }) => new LayerNorm(gain!, bias, Number(eps)),
  },
  group_norm: {
    options: ["eps", "groups"],
    weights: ["weight", "bias"],
    make: ([gain, bias], { eps, groups }) =>
      new GroupNorm(gain!, bias!, { numGroups: Number(groups), epsilon: Number(eps) }),
  },
};

function formulaOf({ name, call }: GoldenCase): Formula | undefined {
  const reference = String(call["reference"]);
  const named = Object.entries(byReference).find(([end]) => reference.endsWith(end));
  if (named) return named[1];
  if (!reference.startsWith("PyTorch")) return undefined;
  return Object.entries(byName).find(([start]) => name === start || name.startsWith(`${start}_`))?.[1];
}

/** `unit-norms`: normalizations with given weights. */
export const runNorms: UnitRunner = {
  refuses: (golden) => {
    const formula = formulaOf(golden);
    if (!formula)
      return `reference ${String(golden.call["reference"])} is not supported, expected one of ${Object.keys(byReference).join(", ")} or PyTorch's ${Object.keys(byName).join(", ")}`;
    return (
      unknownNames("options", Object.keys(golden.call), ["reference", ...formula.options]) ??
      unknownNames("inputs", golden.inputs.keys(), ["x", "cotangent", ...formula.weights])
    );
  },
  run: (golden) => {
    const { weights, make } = formulaOf(golden)!;
    const leaves = Object.fromEntries(["x", ...weights].map((name) => [name, float32(inputOf(golden, name))]));
    return compute(golden, {
      leaves,
      forward: () => ({
        output: make(
          weights.map((name) => leaves[name]!),
          golden.call,
        ).forward(leaves["x"]!),
      }),
    });
  },
};

import { Linear, LstmCell, Recurrent, type RecurrentState } from "@heed/nn";
import { add, reshape, slice, stack, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { int32, unknownNames } from "../support.ts";
import { compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Leaves = Readonly<Record<string, Tensor>>;

const suffixesOf = ({ call }: GoldenCase): string[][] =>
  Array.from({ length: Number(call["num_layers"]) }, (_, layer) =>
    call["bidirectional"] === true ? [`l${layer}`, `l${layer}_reverse`] : [`l${layer}`],
  );

/** PyTorch keeps two biases that are only ever added. */
function cellOf(leaves: Leaves, suffix: string): LstmCell {
  const named = (start: string): Tensor | undefined => leaves[`${start}_${suffix}`];
  const [input, recurrent] = [named("weight_ih"), named("weight_hh")];
  if (!input || !recurrent)
    throw badInput(`verify: weights of ${suffix} are missing, expected weight_ih and weight_hh`);
  const [biasInput, biasRecurrent] = [named("bias_ih"), named("bias_hh")];
  const bias = biasInput && biasRecurrent ? add(biasInput, biasRecurrent) : undefined;
  const projection = named("weight_hr");
  return new LstmCell(new Linear(input, bias), new Linear(recurrent), projection && new Linear(projection));
}

/** Row i of [cells, B, N]. */
function rowOf(x: Tensor, i: number): Tensor {
  const [, B, N] = x.shape as [number, number, number];
  return reshape(slice(x, [i, 0, 0], [1, B, N]), [B, N]);
}

function forward(golden: GoldenCase, leaves: Leaves): Leaves {
  const suffixes = suffixesOf(golden);
  const layer = new Recurrent(suffixes.map((names) => names.map((suffix) => cellOf(leaves, suffix))));
  const [h0, c0] = [leaves["input:h0"], leaves["input:c0"]];
  const states: RecurrentState[] | undefined =
    h0 && c0 && suffixes.flat().map((_, i) => ({ h: rowOf(h0, i), c: rowOf(c0, i) }));
  const lengths = golden.inputs.get("lengths");
  const given = { states, lengths: lengths && int32(lengths) };
  const { y, states: ends } = layer.forward(leaves["input:input"]!, given);
  return { output: y, h_n: stack(ends.map(({ h }) => h)), c_n: stack(ends.map(({ c }) => c!)) };
}

const options = ["input_size", "hidden_size", "num_layers", "bidirectional", "proj_size"];
const inputNames = ["input", "h0", "c0", "lengths", "cotangent"];

/** `torch-lstm`: PyTorch's LSTM layer. */
export const runLstm: UnitRunner = {
  refuses: ({ call, inputs }) => {
    if (inputs.has("h0") !== inputs.has("c0"))
      return "one of h0 and c0 alone is not supported, expected both or neither";
    return unknownNames("options", Object.keys(call), options) ?? unknownNames("inputs", inputs.keys(), inputNames);
  },
  run: (golden, weights) => {
    const known = suffixesOf(golden)
      .flat()
      .flatMap((suffix) =>
        ["weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"].map((start) => `${start}_${suffix}`),
      );
    const strange = unknownNames("weights", weights.keys(), known);
    if (strange) throw badInput(`verify: case ${golden.name} has ${strange}`);
    const leaves: Record<string, Tensor> = { "input:input": float32(inputOf(golden, "input")) };
    for (const name of ["h0", "c0"]) {
      const given = golden.inputs.get(name);
      if (given) leaves[`input:${name}`] = float32(given);
    }
    for (const [name, array] of weights) leaves[name] = float32(array);
    return compute(golden, { leaves, forward: () => forward(golden, leaves) });
  },
};

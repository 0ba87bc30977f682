import {
  eluActivation,
  gated,
  geluActivation,
  geluTanhActivation,
  leakyReluActivation,
  logSigmoidActivation,
  mishActivation,
  quickGeluActivation,
  reluActivation,
  reluSquaredActivation,
  sigmoidActivation,
  siluActivation,
  tanhActivation,
} from "@heed/nn";
import { logSoftmax, softmax, softplus, split, type Tensor } from "@heed/tensor";
import { unknownNames } from "../support.ts";
import { compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Formula = (...inputs: Tensor[]) => Tensor;

/** By the name of the case, functions of `x`. */
const plain: Readonly<Record<string, Formula>> = {
  gelu_exact: geluActivation,
  gelu_tanh: geluTanhActivation,
  gelu_new: geluTanhActivation,
  quick_gelu: quickGeluActivation,
  relu: reluActivation,
  relu_squared: reluSquaredActivation,
  silu: siluActivation,
  mish: mishActivation,
  softplus,
  elu: eluActivation(),
  sigmoid: sigmoidActivation,
  tanh: tanhActivation,
  log_sigmoid: logSigmoidActivation,
  "leaky_relu_0.01": leakyReluActivation({ slope: 0.01 }),
  softmax: (x) => softmax(x),
  log_softmax: (x) => logSoftmax(x),
  glu: (x) => {
    const half = x.shape.at(-1)! / 2;
    const [value, gate] = split(x, [half, half], { axis: -1 }) as [Tensor, Tensor];
    return gated(value, gate, sigmoidActivation);
  },
};

/** By the name of the case, functions of `value` and `gate`. */
const gates: Readonly<Record<string, Formula>> = {
  reglu: (value, gate) => gated(value, gate, reluActivation),
  geglu_exact: (value, gate) => gated(value, gate, geluActivation),
  swiglu: (value, gate) => gated(value, gate, siluActivation),
};

const inputsOf = (name: string): readonly string[] => (Object.hasOwn(gates, name) ? ["value", "gate"] : ["x"]);

/** `unit-activations`: elementwise functions, gates and softmax. */
export const runActivations: UnitRunner = {
  refuses: ({ name, call, inputs }) => {
    if (!Object.hasOwn(plain, name) && !Object.hasOwn(gates, name))
      return `case ${name} is not supported, expected one of ${[...Object.keys(plain), ...Object.keys(gates)].join(", ")}`;
    return (
      unknownNames("options", Object.keys(call), ["reference"]) ??
      unknownNames("inputs", inputs.keys(), [...inputsOf(name), "cotangent"])
    );
  },
  run: (golden) => {
    const { name } = golden;
    const names = inputsOf(name);
    const leaves = Object.fromEntries(names.map((input) => [input, float32(inputOf(golden, input))]));
    const formula = plain[name] ?? gates[name]!;
    return compute(golden, { leaves, forward: () => ({ output: formula(...names.map((input) => leaves[input]!)) }) });
  },
};

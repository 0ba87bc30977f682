import { dataSync, fromArray, referenceBackend, useBackend } from "@heed/tensor";
import { expectGolden, golden } from "@heed/test-tools";
import { beforeEach, describe, expect, test } from "vitest";
import { type ActivationName, activations } from "../src/index.ts";

/** The recorded case of each name; two names are too simple to need one. */
const recorded: Record<Exclude<ActivationName, "linear" | "relu6">, string> = {
  gelu: "gelu_exact",
  gelu_python: "gelu_exact",
  gelu_new: "gelu_new",
  gelu_fast: "gelu_tanh",
  gelu_accurate: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  leaky_relu: "leaky_relu_0.01",
  mish: "mish",
  quick_gelu: "quick_gelu",
  relu: "relu",
  relu2: "relu_squared",
  silu: "silu",
  swish: "silu",
  sigmoid: "sigmoid",
  tanh: "tanh",
};

beforeEach(() => void useBackend(referenceBackend()));

const fixture = golden("unit-activations");
describe.skipIf(!fixture)("golden", () => {
  test.each(Object.entries(recorded))("%s is %s", (name, caseName) => {
    const { inputs, outputs } = fixture!.find(caseName);
    const y = activations[name as ActivationName](fromArray(inputs.x!.values, inputs.x!.shape));
    expectGolden(dataSync(y), outputs.output, name);
  });
});

test("linear changes nothing and relu6 stops at 6", () => {
  const x = fromArray([-1, 2, 7], [3]);
  expect([...dataSync(activations.linear(x))]).toEqual([-1, 2, 7]);
  expect([...dataSync(activations.relu6(x))]).toEqual([0, 2, 6]);
});

test("every name is tested", () => {
  expect(Object.keys(activations).sort()).toEqual([...Object.keys(recorded), "linear", "relu6"].sort());
});

import {
  createWasmBackend,
  dataSync,
  fromArray,
  multiply,
  referenceBackend,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expectGolden, type GoldenArray, golden } from "@heed/test-tools";
import { beforeEach, describe, expect, test } from "vitest";
import { type AttentionOptions, softmaxAttention } from "../src/index.ts";

const backends = { reference: referenceBackend, wasm: () => createWasmBackend() ?? referenceBackend() };
// the sixth case of the fixture, linear_elu, is another attention function
const caseNames = ["plain", "causal", "boolean_mask", "additive_mask", "large_scores"];

const asTensor = ({ values, shape, dtype }: GoldenArray): Tensor => fromArray(values, shape, { dtype });

const fixture = golden("unit-attention");
describe.skipIf(!fixture)("unit-attention", () => {
  for (const [backend, make] of Object.entries(backends)) {
    describe(`on ${backend}`, () => {
      beforeEach(() => void useBackend(make()));
      test.each(caseNames)("%s", (name) => {
        const { inputs, outputs, grads, call } = fixture!.find(name);
        const [q, k, v] = ["query", "key", "value"].map((argument) => asTensor(inputs[argument]!)) as [
          Tensor,
          Tensor,
          Tensor,
        ];
        const given = inputs.mask && asTensor(inputs.mask);
        const T = q.shape[2]!;
        const triangle = fromArray(
          Array.from({ length: T * T }, (_, i) => Number(i % T <= Math.floor(i / T))),
          [T, T],
          { dtype: "bool" },
        );
        const mask = call.causal ? triangle : given?.dtype === "bool" ? given : undefined;
        const options: AttentionOptions = { mask, bias: given?.dtype === "float32" ? given : undefined };
        const attention = softmaxAttention();
        expectGolden(dataSync(attention(q, k, v, options)), outputs.output, "output, fused");
        const observed = attention(q, k, v, {
          ...options,
          observe: ({ probs }) => expectGolden(dataSync(probs), outputs.attention, "probs"),
        });
        expectGolden(dataSync(observed), outputs.output, "output, composed");
        if (Object.keys(grads).length === 0) return;
        const { gradients } = valueAndGradients(
          () => sum(multiply(attention(q, k, v, options), asTensor(inputs.cotangent!))),
          { query: q, key: k, value: v },
        );
        for (const [argument, gradient] of Object.entries(gradients))
          expectGolden(dataSync(gradient), grads[argument] ?? grads[`input:${argument}`], `gradient of ${argument}`);
      });
    });
  }
  test("covers the fixture", () =>
    expect(fixture!.cases.map(({ name }) => name)).toEqual([...caseNames, "linear_elu"]));
});

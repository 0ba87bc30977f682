import { Linear } from "@heed/nn";
import {
  createWasmBackend,
  dataSync,
  fromArray,
  logicalNot,
  multiply,
  referenceBackend,
  reshape,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { allClose, expectGolden, type GoldenArray, golden, readPlainSafetensors } from "@heed/test-tools";
import { beforeEach, describe, expect, test } from "vitest";
import { FusedProjection, MultiHeadAttention, padding, softmaxAttention } from "../src/index.ts";

const backends = { reference: referenceBackend, wasm: () => createWasmBackend() ?? referenceBackend() };
const caseNames = ["self", "causal_bool_mask", "float_mask", "per_head_mask", "no_bias"];
// cross-attention, other widths and memories: `heed verify` and its test run them, and these again
const others = ["cross", "kdim_vdim", "key_padding_mask", "bias_kv", "zero_attn"];

const asTensor = ({ values, shape, dtype }: GoldenArray): Tensor => fromArray(values, shape, { dtype });

function masksOf(
  { attn_mask: given, key_padding_mask: padded }: Readonly<Record<string, GoldenArray>>,
  B: number,
): { mask?: Tensor; bias?: Tensor } {
  const keys =
    padded &&
    padding(logicalNot(asTensor(padded)))(fromArray(new Int32Array(5), [5]), fromArray(new Int32Array(5), [5]));
  if (!given) return keys ? { mask: keys } : {};
  if (given.dtype === "bool") return { mask: logicalNot(asTensor(given)) };
  const bias = given.shape.length === 3 ? reshape(asTensor(given), [B, 4, 5, 5]) : asTensor(given);
  return keys ? { bias, mask: keys } : { bias };
}

const fixture = golden("torch-multihead-attention");
describe.skipIf(!fixture)("torch-multihead-attention", () => {
  for (const [backend, make] of Object.entries(backends)) {
    describe(`on ${backend}`, () => {
      beforeEach(() => void useBackend(make()));
      test.each(caseNames)("%s", (name) => {
        const { inputs, outputs, grads } = fixture!.find(name);
        const stored = readPlainSafetensors(`${fixture!.folder}/model.safetensors`);
        const weight = (key: string): Tensor | undefined => {
          const found = stored.get(`${name}.${key}`);
          return found && fromArray(found.values, found.shape, { dtype: "float32" });
        };
        const qkv = new Linear(weight("in_proj_weight")!, weight("in_proj_bias"));
        const output = new Linear(weight("out_proj.weight")!, weight("out_proj.bias"));
        const layer = new MultiHeadAttention({
          projection: new FusedProjection({ qkv, numHeads: 4 }),
          output,
          attention: softmaxAttention(),
        });
        const x = asTensor(inputs.query!);
        const masks = masksOf(inputs, x.shape[0]!);
        expectGolden(dataSync(layer.forward(x, masks)), outputs.output, "output");
        let probs: Tensor | undefined;
        layer.forward(x, { ...masks, observe: (view) => (probs = view.probs) });
        const { values, atol, shape } = outputs.attention!;
        const all = dataSync(probs!);
        const [B, H, size] = [2, 4, 25];
        const averaged = Float64Array.from({ length: B * size }, (_, i) =>
          [0, 1, 2, 3].reduce((total, h) => total + all[(Math.floor(i / size) * H + h) * size + (i % size)]! / H, 0),
        );
        allClose(shape.length === 4 ? all : averaged, values, { atol }, "attention");
        const wanted: Record<string, Tensor> = {
          in_proj_weight: qkv.weight,
          "out_proj.weight": output.weight,
          "input:query": x,
        };
        if (qkv.bias && output.bias) Object.assign(wanted, { in_proj_bias: qkv.bias, "out_proj.bias": output.bias });
        expect(Object.keys(wanted).sort()).toEqual(Object.keys(grads).sort());
        const { gradients } = valueAndGradients(
          () => sum(multiply(layer.forward(x, masks), asTensor(inputs.cotangent!))),
          wanted,
        );
        for (const [key, gradient] of Object.entries(gradients)) expectGolden(dataSync(gradient), grads[key], key);
      });
    });
  }
  test("covers the fixture", () =>
    expect(fixture!.cases.map((c) => c.name).sort()).toEqual([...caseNames, ...others].sort()));
});

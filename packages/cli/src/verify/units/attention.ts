import { type AttentionFn, type AttentionOptions, causal, linearAttention, softmaxAttention } from "@heed/attention";
import { arange, permute, reshape, type Tensor } from "@heed/tensor";
import type { GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { bool, compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

/** True where 1 is "may attend"; undefined for a float mask, which is added. */
const isBool = ({ values }: { readonly values: ArrayLike<number> }): boolean => values instanceof Uint8Array;

/** Output and, where the function shows them, probs: the output of the call that does not observe, so that it may run fused. */
export function outputAndProbs(
  attend: (observe?: AttentionOptions["observe"]) => Tensor,
  { outputs }: GoldenCase,
): Record<string, Tensor> {
  const found: Record<string, Tensor> = { output: attend() };
  if (outputs.has("attention")) attend(({ probs }) => (found["attention"] = probs));
  return found;
}

/** Masks of the call: boolean or additive, and causal by place. */
function masksOf({ inputs, call }: GoldenCase, q: Tensor, k: Tensor): AttentionOptions {
  const given = inputs.get("mask");
  if (!given) {
    const [queries, keys] = [arange(0, q.shape[2]!), arange(0, k.shape[2]!)];
    return call["causal"] === true ? { mask: causal()(queries, keys) } : {};
  }
  return isBool(given) ? { mask: bool(given) } : { bias: float32(given) };
}

function scaledDotProduct(golden: GoldenCase, q: Tensor, k: Tensor, v: Tensor): Record<string, Tensor> {
  const attention = softmaxAttention();
  const options = masksOf(golden, q, k);
  return outputAndProbs((observe) => attention(q, k, v, { ...options, observe }), golden);
}

/** [B, T, H, D] <-> [B, H, T, D]. */
const swapHeads = (x: Tensor): Tensor => permute(x, [0, 2, 1, 3]);

function linear(golden: GoldenCase, q: Tensor, k: Tensor, v: Tensor): Record<string, Tensor> {
  const attention: AttentionFn = linearAttention({ causal: golden.call["causal"] === true });
  const keyMask = golden.inputs.get("key_mask");
  const mask = keyMask && reshape(bool(keyMask), [keyMask.shape[0]!, 1, 1, keyMask.shape[1]!]);
  return { output: swapHeads(attention(swapHeads(q), swapHeads(k), swapHeads(v), { mask })) };
}

type Formula = (golden: GoldenCase, q: Tensor, k: Tensor, v: Tensor) => Record<string, Tensor>;

/** What a case calls, by the end of its reference's name, and the inputs that it may have. */
const formulas: Readonly<Record<string, { formula: Formula; inputs: readonly string[] }>> = {
  "scaled dot-product attention": { formula: scaledDotProduct, inputs: ["mask"] },
  LinearAttention: { formula: linear, inputs: ["key_mask"] },
};

const formulaOf = ({ call }: GoldenCase) =>
  Object.entries(formulas).find(([name]) => String(call["reference"]).endsWith(name))?.[1];

/** `unit-attention`: attention functions of queries, keys and values. */
export const runAttention: UnitRunner = {
  refuses: (golden) => {
    const { call, inputs } = golden;
    const known = formulaOf(golden);
    if (!known)
      return `reference ${String(call["reference"])} is not supported, expected one of ${Object.keys(formulas).join(", ")}`;
    if (call["causal"] === true && inputs.has("mask")) return "causal together with a mask is not supported";
    return (
      unknownNames("options", Object.keys(call), ["reference", "causal"]) ??
      unknownNames("inputs", inputs.keys(), ["query", "key", "value", "cotangent", ...known.inputs])
    );
  },
  run: (golden) => {
    const leaves = Object.fromEntries(["query", "key", "value"].map((name) => [name, float32(inputOf(golden, name))]));
    const { formula } = formulaOf(golden)!;
    return compute(golden, {
      leaves,
      forward: () => formula(golden, leaves["query"]!, leaves["key"]!, leaves["value"]!),
    });
  },
};

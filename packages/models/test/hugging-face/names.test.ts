import { referenceBackend, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { families } from "../../src/hugging-face/families.ts";
import { placeOf, tableOf } from "../../src/hugging-face/names.ts";
import { gpt2, namedWeights } from "../../src/index.ts";

useBackend(referenceBackend());

const tiny = { vocabSize: 5, maxSeqLen: 4, dModel: 4, numLayers: 1, numHeads: 1, tieHead: false };
const table = tableOf(families.gpt2.weights(tiny));

test("fills layer numbers and the prefix, which the head does not have", () => {
  const place = (name: string, prefix: string) => {
    const { theirs, row } = placeOf(name, table, "gpt2", prefix);
    return { theirs, transposed: row.transposed ?? false };
  };
  expect(place("stack.blocks.11.attention.projection.qkv.weight", "transformer.")).toEqual({
    theirs: "transformer.h.11.attn.c_attn.weight",
    transposed: true,
  });
  expect(place("stack.blocks.0.norm2.bias", "")).toEqual({ theirs: "h.0.ln_2.bias", transposed: false });
  expect(place("head.weight", "transformer.")).toEqual({ theirs: "lm_head.weight", transposed: false });
});

test("names a weight without a row", () => {
  expect(() => placeOf("stack.blocks.0.attention.gate", table, "gpt2", "")).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: placeOf: weight stack.blocks.0.attention.gate has no row in the table of gpt2, expected one for stack.blocks.*.attention.gate. A model with other parts than gpt2 cannot be written as one]`,
  );
});

test("every weight of a model has its place", () => {
  const model = gpt2(tiny, null);
  const names = namedWeights({ modelType: "gpt2", config: tiny, model });
  expect(names.size).toBe(17);
  const { tensor, asStored } = names.get("transformer.h.0.mlp.c_fc.weight")!;
  expect(tensor).toBe(
    (model.blocks[0] as unknown as { feedForward: { expand: { weight: object } } }).feedForward.expand.weight,
  );
  expect(asStored(tensor).shape).toEqual([4, 16]);
});

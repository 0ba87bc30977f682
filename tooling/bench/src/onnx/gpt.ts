/** GPT-2 as an ONNX graph, written the way an optimizing exporter leaves it: ONNX Runtime's fused operators throughout. */
import { type GptShape, NORM_EPSILON, type Weight } from "../gpt.ts";
import { type ExternalTensor, FLOAT32, INT32, type Model, type Node, type Port } from "./model.ts";

const MICROSOFT = "com.microsoft";

/** Name under which the weights' bytes are passed to the session. */
export const WEIGHTS_FILE = "weights";

/** Name of a layer's cache [2, 1, H, past, D] coming in. */
export const pastName = (layer: number): string => `past.${layer}`;

/** Name of a layer's cache [2, 1, H, past + step, D] going out. */
export const presentName = (layer: number): string => `present.${layer}`;

/** Lays weights one after another; returns their places and their bytes. */
export function packWeights(weights: readonly Weight[]): {
  places: readonly ExternalTensor[];
  bytes: Uint8Array<ArrayBuffer>;
} {
  const bytes = new Uint8Array(weights.reduce((sum, { values }) => sum + values.byteLength, 0));
  let offset = 0;
  const places = weights.map(({ name, shape, values }) => {
    const place = { name, type: FLOAT32, shape, offset, length: values.byteLength };
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
    return place;
  });
  return { places, bytes };
}

/** LayerNorm(x + skip + bias); the sum goes out too, as the next residual. */
function skipNorm(inputs: readonly string[], normed: string, sum?: string): Node {
  return {
    op: "SkipLayerNormalization",
    domain: MICROSOFT,
    inputs,
    outputs: sum === undefined ? [normed] : [normed, "", "", sum],
    attributes: { epsilon: { float: NORM_EPSILON } },
  };
}

/** One block: from the normed rows and the residual to those of the next block, whose norm is fused into this one's last sum. */
function block(layer: number, { numHeads, numLayers }: GptShape): Node[] {
  const w = (name: string): string => `h.${layer}.${name}`;
  const t = (name: string): string => `t.${layer}.${name}`;
  const isLast = layer === numLayers - 1;
  const nextNorm = isLast ? "ln_f" : `h.${layer + 1}.ln_1`;
  return [
    {
      op: "Attention",
      domain: MICROSOFT,
      inputs: [t("normed"), w("attn.c_attn.weight"), w("attn.c_attn.bias"), "", pastName(layer)],
      outputs: [t("mixed"), presentName(layer)],
      attributes: { num_heads: numHeads, unidirectional: 1 },
    },
    { op: "MatMul", inputs: [t("mixed"), w("attn.c_proj.weight")], outputs: [t("projected")] },
    skipNorm(
      [t("projected"), t("residual"), w("ln_2.weight"), w("ln_2.bias"), w("attn.c_proj.bias")],
      t("normed2"),
      t("residual2"),
    ),
    { op: "MatMul", inputs: [t("normed2"), w("mlp.c_fc.weight")], outputs: [t("wide")] },
    { op: "FastGelu", domain: MICROSOFT, inputs: [t("wide"), w("mlp.c_fc.bias")], outputs: [t("active")] },
    { op: "MatMul", inputs: [t("active"), w("mlp.c_proj.weight")], outputs: [t("narrow")] },
    skipNorm(
      [t("narrow"), t("residual2"), `${nextNorm}.weight`, `${nextNorm}.bias`, w("mlp.c_proj.bias")],
      isLast ? "final" : `t.${layer + 1}.normed`,
      isLast ? undefined : `t.${layer + 1}.residual`,
    ),
  ];
}

/**
 * The graph: tokens and positions [1, step], the last row's index and one cache a layer in; logits of that row [1, V] and the longer
 * caches out. The head shares the embedding's weights.
 */
export function gptModel(shape: GptShape, weights: readonly ExternalTensor[]): Model {
  const { numLayers, numHeads, dModel, vocabSize } = shape;
  const layers = Array.from({ length: numLayers }, (_, layer) => layer);
  const cache = (name: string, length: string): Port => ({
    name,
    type: FLOAT32,
    shape: [2, 1, numHeads, length, dModel / numHeads],
  });
  return {
    nodes: [
      { op: "Gather", inputs: ["wte.weight", "tokens"], outputs: ["embedded"] },
      { op: "Gather", inputs: ["wpe.weight", "positions"], outputs: ["placed"] },
      skipNorm(["embedded", "placed", "h.0.ln_1.weight", "h.0.ln_1.bias"], "t.0.normed", "t.0.residual"),
      ...layers.flatMap((layer) => block(layer, shape)),
      { op: "Gather", inputs: ["final", "lastRow"], outputs: ["last"], attributes: { axis: 1 } },
      { op: "Gemm", inputs: ["last", "wte.weight"], outputs: ["logits"], attributes: { transB: 1 } },
    ],
    inputs: [
      { name: "tokens", type: INT32, shape: [1, "step"] },
      { name: "positions", type: INT32, shape: [1, "step"] },
      { name: "lastRow", type: INT32, shape: [] },
      ...layers.map((layer) => cache(pastName(layer), "past")),
    ],
    outputs: [
      { name: "logits", type: FLOAT32, shape: [1, vocabSize] },
      ...layers.map((layer) => cache(presentName(layer), "total")),
    ],
    weights,
    weightsFile: WEIGHTS_FILE,
  };
}

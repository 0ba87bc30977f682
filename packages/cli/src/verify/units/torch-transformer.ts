import { causal, FusedProjection, MultiHeadAttention, padding, softmaxAttention } from "@heed/attention";
import { type Activation, FeedForward, geluActivation, LayerNorm, Linear, reluActivation } from "@heed/nn";
import { add, arange, logicalNot, type Tensor } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenCase } from "../golden.ts";
import { unknownNames } from "../support.ts";
import { bool, compute, float32, inputOf, type UnitRunner } from "./unit-runner.ts";

type Weights = Readonly<Record<string, Tensor>>;
type Branch = (x: Tensor) => Tensor;

const activations: Readonly<Record<string, Activation>> = { relu: reluActivation, gelu: geluActivation };

/** The layers of torch.nn.Transformer by their names in its state dict. */
class Layers {
  private readonly weights: Weights;
  private readonly call: GoldenCase["call"];

  constructor(weights: Weights, call: GoldenCase["call"]) {
    this.weights = weights;
    this.call = call;
  }

  private linear(weight: string, bias: string): Linear {
    return new Linear(this.weights[weight]!, this.weights[bias]);
  }

  norm(name: string): LayerNorm {
    const epsilon = Number(this.call["layer_norm_eps"] ?? 1e-5);
    return new LayerNorm(this.weights[`${name}.weight`]!, this.weights[`${name}.bias`], epsilon);
  }

  attention(name: string): MultiHeadAttention {
    const qkv = this.linear(`${name}.in_proj_weight`, `${name}.in_proj_bias`);
    return new MultiHeadAttention({
      projection: new FusedProjection({ qkv, numHeads: Number(this.call["nhead"]) }),
      output: this.linear(`${name}.out_proj.weight`, `${name}.out_proj.bias`),
      attention: softmaxAttention(),
    });
  }

  feedForward(name: string): FeedForward {
    const linear = (part: string) => this.linear(`${name}.${part}.weight`, `${name}.${part}.bias`);
    return new FeedForward(
      linear("linear1"),
      linear("linear2"),
      activations[String(this.call["activation"] ?? "relu")]!,
    );
  }

  /** A residual branch, normalized before it or after the sum. */
  residual(x: Tensor, norm: string, branch: Branch): Tensor {
    const level = this.norm(norm);
    return this.call["norm_first"] === true ? add(x, branch(level.forward(x))) : level.forward(add(x, branch(x)));
  }
}

function encode(layers: Layers, count: number, src: Tensor, mask: Tensor | undefined): Tensor {
  let x = src;
  for (let i = 0; i < count; i++) {
    const name = `encoder.layers.${i}`;
    x = layers.residual(x, `${name}.norm1`, (y) => layers.attention(`${name}.self_attn`).forward(y, { mask }));
    x = layers.residual(x, `${name}.norm2`, (y) => layers.feedForward(name).forward(y));
  }
  return layers.norm("encoder.norm").forward(x);
}

function decode(layers: Layers, count: number, tgt: Tensor, context: Tensor, mask: Tensor | undefined): Tensor {
  const positions = arange(0, tgt.shape[1]!);
  const past = causal()(positions, positions);
  let x = tgt;
  for (let i = 0; i < count; i++) {
    const name = `decoder.layers.${i}`;
    x = layers.residual(x, `${name}.norm1`, (y) => layers.attention(`${name}.self_attn`).forward(y, { mask: past }));
    const cross = layers.attention(`${name}.multihead_attn`);
    x = layers.residual(x, `${name}.norm2`, (y) => cross.forward(y, { context, mask }));
    x = layers.residual(x, `${name}.norm3`, (y) => layers.feedForward(name).forward(y));
  }
  return layers.norm("decoder.norm").forward(x);
}

function forward({ call, inputs }: GoldenCase, leaves: Weights): Record<string, Tensor> {
  const layers = new Layers(leaves, call);
  const [src, tgt] = [leaves["input:src"]!, leaves["input:tgt"]!];
  const padded = inputs.get("src_padding");
  const places = arange(0, src.shape[1]!);
  const mask = padded && padding(logicalNot(bool(padded)))(places, places);
  const memory = encode(layers, Number(call["num_encoder_layers"]), src, mask);
  return { memory, output: decode(layers, Number(call["num_decoder_layers"]), tgt, memory, mask) };
}

const options = [
  "d_model",
  "nhead",
  "num_encoder_layers",
  "num_decoder_layers",
  "dim_feedforward",
  "activation",
  "norm_first",
  "batch_first",
  "layer_norm_eps",
];

/** `torch-transformer-*`: torch.nn.Transformer, encoder and decoder, norms before or after each branch. */
export const runTorchTransformer: UnitRunner = {
  refuses: ({ call, inputs }) =>
    (Object.hasOwn(activations, String(call["activation"] ?? "relu"))
      ? undefined
      : `activation ${String(call["activation"])} is not supported, expected one of ${Object.keys(activations).join(", ")}`) ??
    (call["batch_first"] === true ? undefined : "batch_first other than true is not supported") ??
    unknownNames("options", Object.keys(call), options) ??
    unknownNames("inputs", inputs.keys(), ["src", "tgt", "src_padding", "cotangent"]),
  run: (golden, weights) => {
    const strange = [...weights.keys()].filter((name) => !/^(encoder|decoder)\./.test(name));
    if (strange.length > 0)
      throw badInput(
        `verify: case ${golden.name} has weights ${strange.join(", ")}, expected those of torch.nn.Transformer`,
      );
    const leaves: Record<string, Tensor> = {
      "input:src": float32(inputOf(golden, "src")),
      "input:tgt": float32(inputOf(golden, "tgt")),
    };
    for (const [name, array] of weights) leaves[name] = float32(array);
    return compute(golden, { leaves, forward: () => forward(golden, leaves) });
  },
};

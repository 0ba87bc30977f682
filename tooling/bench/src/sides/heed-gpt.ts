/** The GPT of this repository: `gpt2` of @heed/models with the benchmark's weights, trained and run through the packages' public functions. */
import { type Decoder, gpt2 } from "@heed/models";
import { loadStateDict, parameters } from "@heed/nn";
import { causalLM } from "@heed/objectives";
import { adamW, decayMatricesOnly } from "@heed/optim";
import { data, dispose, fromArray, scope, type Tensor, valueAndGradients } from "@heed/tensor";
import { type GeneratedStep, generate } from "@heed/train";
import { ADAMW, type Batch, type GptShape, NORM_EPSILON, type Weight } from "../gpt.ts";

/** Our name of each of GPT-2's weights, without the block's number. Linear weights are [out, in] here, so those are turned. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  "wte.weight": "embedding.tokens.weight",
  "wpe.weight": "embedding.position.table",
  "ln_1.weight": "norm1.gain",
  "ln_1.bias": "norm1.bias",
  "attn.c_attn.weight": "attention.projection.qkv.weight",
  "attn.c_attn.bias": "attention.projection.qkv.bias",
  "attn.c_proj.weight": "attention.output.weight",
  "attn.c_proj.bias": "attention.output.bias",
  "ln_2.weight": "norm2.gain",
  "ln_2.bias": "norm2.bias",
  "mlp.c_fc.weight": "feedForward.expand.weight",
  "mlp.c_fc.bias": "feedForward.expand.bias",
  "mlp.c_proj.weight": "feedForward.contract.weight",
  "mlp.c_proj.bias": "feedForward.contract.bias",
  "ln_f.weight": "norm.gain",
  "ln_f.bias": "norm.bias",
};

function ownName(name: string): string {
  const [, block, rest] = /^(?:h\.(\d+)\.)?(.*)$/.exec(name) as unknown as [string, string | undefined, string];
  const own = OWN_NAMES[rest];
  if (own === undefined)
    throw new RangeError(
      `ownName: name is not one of GPT-2's weights, expected one of ${Object.keys(OWN_NAMES).join(", ")}, got "${name}". Add it to the table`,
    );
  return block === undefined ? `stack.${own}` : `stack.blocks.${block}.${own}`;
}

/** A linear weight [in, out] as [out, in]; anything else as it is. */
function ownTensor({ name, shape, values }: Weight): Tensor {
  const [dIn, dOut] = shape;
  if (dIn === undefined || dOut === undefined || !name.includes(".c_")) return fromArray(values, shape);
  const turned = new Float32Array(values.length);
  for (let i = 0; i < dIn; i++) for (let j = 0; j < dOut; j++) turned[j * dIn + i] = values[i * dOut + j] as number;
  return fromArray(turned, [dOut, dIn]);
}

function buildModel(
  { numLayers, numHeads, dModel, context, vocabSize }: GptShape,
  weights: readonly Weight[],
): Decoder {
  const model = gpt2(
    { vocabSize, maxSeqLen: context, dModel, numLayers, numHeads, layerNormEpsilon: NORM_EPSILON },
    null,
  );
  scope(() => loadStateDict(model, new Map(weights.map((weight) => [ownName(weight.name), ownTensor(weight)]))));
  return model;
}

/** A model in training. */
export interface Training {
  /** Takes one step; resolves to the loss before it. */
  step(): Promise<number>;
  /** Frees weights and moments. */
  free(): void;
}

/** A model with the given weights, and what takes its training steps. */
export function makeStep(shape: GptShape, weights: readonly Weight[], batch: Batch): Training {
  const model = buildModel(shape, weights);
  const objective = causalLM();
  const { learningRate, beta1, beta2, epsilon, weightDecay } = ADAMW;
  const optimizer = adamW({
    parameters: decayMatricesOnly(parameters(model), weightDecay),
    learningRate,
    betas: [beta1, beta2],
    epsilon,
  });
  const example = {
    inputs: batch.tokens,
    targets: batch.targets,
    lossWeights: new Float32Array(batch.targets.length).fill(1),
  };
  const step = async (): Promise<number> => {
    const loss = scope(() => {
      const tokens = fromArray(batch.tokens, [batch.size, shape.context]);
      const { value, gradients } = valueAndGradients(
        () => objective.loss(model.forward(tokens), example),
        optimizer.parameters,
      );
      optimizer.step(gradients);
      return value;
    });
    const [value] = await data(loss);
    dispose(loss);
    return value as number;
  };
  return { step, free: () => dispose([model, optimizer]) };
}

/** A prompt being continued, greedily, with cached keys and values. */
export interface Continuation {
  /** Reads the prompt (first call) or one more token; resolves to the logits after it. */
  next(): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A model that generates. */
export interface Generator {
  /** Starts to continue a prompt by at most `most` tokens. */
  start(prompt: Int32Array, most: number): Continuation;
  /** Frees the weights. */
  free(): void;
}

/** A model with the given weights, and what starts its continuations. */
export function makeGenerator(shape: GptShape, weights: readonly Weight[]): Generator {
  const model = buildModel(shape, weights);
  const start = (prompt: Int32Array, most: number): Continuation => {
    const steps = generate({ model, prompts: [prompt], maxNewTokens: most });
    return {
      next: async () => {
        const { value } = await steps.next();
        return (value as GeneratedStep).logits[0] as Float32Array;
      },
      close: async () => void (await steps.return()),
    };
  };
  return { start, free: () => dispose(model) };
}

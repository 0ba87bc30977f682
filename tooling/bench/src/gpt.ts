/** The GPT every side builds: its shape, its start weights and its batch, so that all of them compute the same numbers. */

/** Sizes of a GPT-2-shaped decoder: pre-norm blocks, learned positions, tanh gelu, tied head. */
export interface GptShape {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dModel: number;
  readonly context: number;
  readonly vocabSize: number;
}

/** One named weight: its shape, and its values row by row. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Tokens and the tokens to predict, both [batch, context] row by row. */
export interface Batch {
  readonly size: number;
  readonly tokens: Int32Array;
  readonly targets: Int32Array;
}

/** AdamW as every side runs it; matrices decay, vectors do not (nanoGPT's rule). */
export const ADAMW = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 } as const;

/** Layer norm's epsilon, GPT-2's. */
export const NORM_EPSILON = 1e-5;

/** Uniform numbers in [0, 1) from a 32-bit seed: a Weyl sequence through an integer mixer. */
export function uniformSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
}

/** Float32 values of about normal(0, deviation): four uniforms summed, which is cheap enough for 124 million of them. */
export function roughNormal(count: number, deviation: number, uniform: () => number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  const scale = deviation * Math.sqrt(3);
  for (let i = 0; i < count; i++) values[i] = (uniform() + uniform() + uniform() + uniform() - 2) * scale;
  return values;
}

/** Names and shapes of the weights, GPT-2's names; linear weights are [in, out] as in GPT-2's files. */
export function weightShapes({
  numLayers,
  dModel: E,
  context,
  vocabSize,
}: GptShape): readonly [name: string, shape: readonly number[]][] {
  const shapes: [string, readonly number[]][] = [
    ["wte.weight", [vocabSize, E]],
    ["wpe.weight", [context, E]],
  ];
  for (let layer = 0; layer < numLayers; layer++) {
    const block: [string, readonly number[]][] = [
      ["ln_1.weight", [E]],
      ["ln_1.bias", [E]],
      ["attn.c_attn.weight", [E, 3 * E]],
      ["attn.c_attn.bias", [3 * E]],
      ["attn.c_proj.weight", [E, E]],
      ["attn.c_proj.bias", [E]],
      ["ln_2.weight", [E]],
      ["ln_2.bias", [E]],
      ["mlp.c_fc.weight", [E, 4 * E]],
      ["mlp.c_fc.bias", [4 * E]],
      ["mlp.c_proj.weight", [4 * E, E]],
      ["mlp.c_proj.bias", [E]],
    ];
    for (const [name, shape] of block) shapes.push([`h.${layer}.${name}`, shape]);
  }
  shapes.push(["ln_f.weight", [E]], ["ln_f.bias", [E]]);
  return shapes;
}

/** Start weights of a shape from a seed: normal(0, 0.02) matrices, zero biases, ones in the norms. */
export function makeWeights(shape: GptShape, seed: number): readonly Weight[] {
  const uniform = uniformSource(seed);
  return weightShapes(shape).map(([name, dims]) => {
    const count = dims.reduce((product, size) => product * size, 1);
    if (dims.length === 2) return { name, shape: dims, values: roughNormal(count, 0.02, uniform) };
    return { name, shape: dims, values: new Float32Array(count).fill(name.endsWith(".weight") ? 1 : 0) };
  });
}

/** A batch of random tokens; the target of a position is the token after it. */
export function makeBatch({ context, vocabSize }: GptShape, size: number, seed: number): Batch {
  const uniform = uniformSource(seed);
  const stream = Int32Array.from({ length: size * context + 1 }, () => Math.floor(uniform() * vocabSize));
  return { size, tokens: stream.slice(0, -1), targets: stream.slice(1) };
}

/**
 * Multiply-adds of one training step, as floating-point operations: three forward passes' worth (the backward
 * pass costs two), each with its matrices, the full T x T attention and the head.
 */
export function stepFlops({ numLayers, dModel, context, vocabSize }: GptShape, batch: number): number {
  return 3 * forwardFlops({ numLayers, dModel, vocabSize }, batch, context);
}

/** Floating-point operations of one forward pass over `batch` sequences of `length` tokens. */
export function forwardFlops(
  { numLayers, dModel, vocabSize }: Pick<GptShape, "numLayers" | "dModel" | "vocabSize">,
  batch: number,
  length: number,
): number {
  const rows = batch * length;
  const block = 24 * rows * dModel * dModel + 4 * rows * length * dModel;
  return numLayers * block + 2 * rows * dModel * vocabSize;
}

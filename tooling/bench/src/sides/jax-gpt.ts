/**
 * The GPT step in jax-js, written the way its own documentation does it: one jitted function from parameters, moments and batch to
 * their successors. Embeddings and picked targets go through one-hot products, because the gradient of a gather does not jit in 0.1.25.
 */
import { blockUntilReady, type Array as JaxArray, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { ADAMW, type Batch, type GptShape, NORM_EPSILON, type Weight } from "../gpt.ts";

type Params = { [name: string]: JaxArray };
type StepFn = (
  params: Params,
  first: Params,
  second: Params,
  corrections: JaxArray[],
  tokens: JaxArray,
  targets: JaxArray,
) => [Params, Params, Params, JaxArray];

function pick(params: Params, name: string): JaxArray {
  const value = params[name];
  if (value === undefined)
    throw new RangeError(`pick: name is not a weight, expected one of the model's, got "${name}". Check weightShapes.`);
  return value;
}

const linear = (x: JaxArray, w: JaxArray, b: JaxArray): JaxArray => np.matmul(x, w).add(b);
const layerNorm = (x: JaxArray, w: JaxArray, b: JaxArray): JaxArray =>
  nn.standardize(x, -1, { epsilon: NORM_EPSILON }).mul(w).add(b);

/** Causal attention of [B * T, 3 E] rows of queries, keys and values -> [B * T, E]. */
function attend(qkv: JaxArray, { numHeads: H, dModel: E, context: T }: GptShape, B: number): JaxArray {
  const D = E / H;
  const byHead = np.transpose(qkv.reshape([B, T, 3, H, D]), [2, 0, 3, 1, 4]);
  const [q, k, v] = np.split(byHead, 3, 0).map((part) => part.reshape([B, H, T, D])) as [JaxArray, JaxArray, JaxArray];
  const scores = np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(1 / Math.sqrt(D));
  const masked = np.where(np.tri(T, T, 0, { dtype: np.bool }), scores, Number.NEGATIVE_INFINITY);
  const mixed = np.matmul(nn.softmax(masked, -1), v);
  return np.transpose(mixed, [0, 2, 1, 3]).reshape([B * T, E]);
}

function lossFn(shape: GptShape, B: number) {
  const { numLayers, dModel: E, context: T, vocabSize: V } = shape;
  return (params: Params, tokens: JaxArray, targets: JaxArray): JaxArray => {
    const wte = pick(params, "wte.weight");
    const embedded = np.matmul(nn.oneHot(tokens, V), wte.ref).reshape([B, T, E]);
    let x = embedded.add(pick(params, "wpe.weight")).reshape([B * T, E]);
    for (let layer = 0; layer < numLayers; layer++) {
      const w = (name: string): JaxArray => pick(params, `h.${layer}.${name}`);
      const qkv = linear(
        layerNorm(x.ref, w("ln_1.weight"), w("ln_1.bias")),
        w("attn.c_attn.weight"),
        w("attn.c_attn.bias"),
      );
      x = x.add(linear(attend(qkv, shape, B), w("attn.c_proj.weight"), w("attn.c_proj.bias")));
      const wide = linear(layerNorm(x.ref, w("ln_2.weight"), w("ln_2.bias")), w("mlp.c_fc.weight"), w("mlp.c_fc.bias"));
      x = x.add(linear(nn.gelu(wide), w("mlp.c_proj.weight"), w("mlp.c_proj.bias")));
    }
    const logits = np.matmul(layerNorm(x, pick(params, "ln_f.weight"), pick(params, "ln_f.bias")), np.transpose(wte));
    return nn
      .logSoftmax(logits, -1)
      .mul(nn.oneHot(targets, V))
      .sum()
      .mul(-1 / (B * T));
  };
}

/** AdamW of one weight; consumes everything. */
function adamw(
  w: JaxArray,
  gradient: JaxArray,
  first: JaxArray,
  second: JaxArray,
  corrections: readonly [JaxArray, JaxArray],
): [JaxArray, JaxArray, JaxArray] {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = ADAMW;
  const m = first.mul(beta1).add(gradient.ref.mul(1 - beta1));
  const v = second.mul(beta2).add(np.square(gradient).mul(1 - beta2));
  const direction = m.ref.mul(corrections[0].ref).div(np.sqrt(v.ref.mul(corrections[1].ref)).add(epsilon));
  const kept = w.ndim === 2 ? w.mul(1 - learningRate * weightDecay) : w;
  return [kept.sub(direction.mul(learningRate)), m, v];
}

function stepFn(shape: GptShape, B: number): StepFn {
  const lossAndGradients = valueAndGrad(lossFn(shape, B));
  const step: StepFn = (params, first, second, corrections, tokens, targets) => {
    const [loss, gradients] = lossAndGradients(tree.ref(params), tokens, targets) as unknown as [JaxArray, Params];
    const next: [Params, Params, Params] = [{}, {}, {}];
    const both = corrections as [JaxArray, JaxArray];
    for (const name of Object.keys(params)) {
      const updated = adamw(pick(params, name), pick(gradients, name), pick(first, name), pick(second, name), both);
      for (const [i, value] of updated.entries()) (next[i] as Params)[name] = value;
    }
    tree.dispose(both);
    return [...next, loss];
  };
  return jit(step) as unknown as StepFn;
}

/** Returns a function that takes one step and returns the loss before it. */
export function makeStep(shape: GptShape, weights: readonly Weight[], batch: Batch): () => Promise<number> {
  const step = stepFn(shape, batch.size);
  const zeros = (): Params => Object.fromEntries(weights.map((w) => [w.name, np.zeros([...w.shape])]));
  let params: Params = Object.fromEntries(
    weights.map((w) => [w.name, np.array(w.values as Float32Array<ArrayBuffer>).reshape([...w.shape])]),
  );
  let first = zeros();
  let second = zeros();
  let count = 0;
  return async () => {
    count++;
    const corrections = [np.array(1 / (1 - ADAMW.beta1 ** count)), np.array(1 / (1 - ADAMW.beta2 ** count))];
    const tokens = np.array(batch.tokens as Int32Array<ArrayBuffer>);
    const targets = np.array(batch.targets as Int32Array<ArrayBuffer>);
    let loss: JaxArray;
    [params, first, second, loss] = step(params, first, second, corrections, tokens, targets);
    await blockUntilReady([params, first, second]);
    const [value] = await loss.data();
    return value as number;
  };
}

/**
 * The GPT step in TensorFlow.js, twice. `plain` is what its documentation leads to: its own gradient rules and its own Adam. `tuned`
 * avoids the two kernels of the wasm backend that are naive loops (products with a transposed operand, which the gradient of every
 * product uses, and batched products) through custom gradients and sliced products, as a user who profiles it would.
 */
import type * as TfCore from "@tensorflow/tfjs-core";
import { ADAMW, type Batch, type GptShape, NORM_EPSILON, type Weight } from "../gpt.ts";

type Tf = typeof TfCore;
type Tensor = TfCore.Tensor;
type Matrix = TfCore.Tensor2D;
type Stack = TfCore.Tensor3D;

/** The two products a GPT needs. */
interface Products {
  linear(x: Matrix, w: Matrix, b: Tensor): Matrix;
  batched(a: Stack, b: Stack): Stack;
}

function plainProducts(tf: Tf): Products {
  return {
    linear: (x, w, b) => tf.add(tf.matMul(x, w), b),
    batched: (a, b) => tf.matMul(a, b),
  };
}

function tunedProducts(tf: Tf): Products {
  const swap = (x: Stack): Stack => tf.transpose(x, [0, 2, 1]);
  const sliced = (a: Stack, b: Stack): Stack => {
    const rights = tf.unstack(b) as Matrix[];
    return tf.stack((tf.unstack(a) as Matrix[]).map((left, i) => tf.matMul(left, rights[i] as Matrix))) as Stack;
  };
  const columnSums = (dy: Matrix): Tensor => tf.reshape(tf.matMul(tf.ones<TfCore.Rank.R2>([1, dy.shape[0]]), dy), [-1]);
  const linear = tf.customGrad((x, w, b, save) => {
    (save as TfCore.GradSaveFunc)([x as Matrix, w as Matrix]);
    return {
      value: tf.fused.matMul({ a: x as Matrix, b: w as Matrix, bias: b as Tensor }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [input, weight] = saved as [Matrix, Matrix];
        return [
          tf.matMul(dy as Matrix, tf.transpose(weight)),
          tf.matMul(tf.transpose(input), dy as Matrix),
          columnSums(dy as Matrix),
        ];
      },
    };
  });
  const batched = tf.customGrad((a, b, save) => {
    (save as TfCore.GradSaveFunc)([a as Stack, b as Stack]);
    return {
      value: sliced(a as Stack, b as Stack),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [left, right] = saved as [Stack, Stack];
        return [sliced(dy as Stack, swap(right)), sliced(swap(left), dy as Stack)];
      },
    };
  });
  return {
    linear: (x, w, b) => linear(x, w, b) as Matrix,
    batched: (a, b) => batched(a, b) as Stack,
  };
}

function layerNorm(tf: Tf, x: Matrix, w: Tensor, b: Tensor): Matrix {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, NORM_EPSILON))), w), b);
}

function gelu(tf: Tf, x: Matrix): Matrix {
  const inner = tf.mul(tf.mul(x, tf.add(tf.mul(tf.mul(x, x), 0.044715), 1)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** Ids as float one-hot rows; cast, because the backend's own float one-hot writes integer bits (4.22). */
const oneHot = (tf: Tf, ids: TfCore.Tensor1D, V: number): Matrix => tf.cast(tf.oneHot(ids, V), "float32") as Matrix;

class Gpt {
  private readonly tf: Tf;
  private readonly shape: GptShape;
  private readonly batch: number;
  private readonly products: Products;
  private readonly mask: Tensor;
  private readonly noBias: { readonly model: Tensor; readonly vocabulary: Tensor };
  readonly weights: ReadonlyMap<string, TfCore.Variable>;

  constructor(tf: Tf, shape: GptShape, weights: readonly Weight[], batch: number, products: Products) {
    this.tf = tf;
    this.shape = shape;
    this.batch = batch;
    this.products = products;
    this.weights = new Map(weights.map((w) => [w.name, tf.variable(tf.tensor(w.values, [...w.shape]), true, w.name)]));
    this.mask = tf.tidy(() =>
      tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([shape.context, shape.context]), -1, 0)), -1e9),
    );
    this.noBias = { model: tf.zeros([shape.dModel]), vocabulary: tf.zeros([shape.vocabSize]) };
  }

  private weight<T extends Tensor>(name: string): T {
    const value = this.weights.get(name);
    if (value === undefined)
      throw new RangeError(
        `weight: name is not a weight, expected one of the model's, got "${name}". Check weightShapes.`,
      );
    return value as Tensor as T;
  }

  /** [B * T, E] -> [B * H, ...], the axes of [B, T, H, D] in the given order. */
  private heads(x: Tensor, order: number[]): Stack {
    const { tf, batch, shape } = this;
    const split = tf.transpose(
      tf.reshape(x, [batch, shape.context, shape.numHeads, shape.dModel / shape.numHeads]),
      order,
    );
    return tf.reshape(split, [batch * shape.numHeads, split.shape[2] as number, split.shape[3] as number]);
  }

  private attend(qkv: Matrix): Matrix {
    const { tf, batch, shape, products } = this;
    const { numHeads: H, dModel: E, context: T } = shape;
    const [q, k, v] = tf.split(qkv, 3, 1) as [Matrix, Matrix, Matrix];
    const raw = products.batched(this.heads(q, [0, 2, 1, 3]), this.heads(k, [0, 2, 3, 1]));
    const probs = tf.softmax(tf.add(tf.mul(raw, 1 / Math.sqrt(E / H)), this.mask)) as Stack;
    const mixed = tf.reshape(products.batched(probs, this.heads(v, [0, 2, 1, 3])), [batch, H, T, E / H]);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * T, E]);
  }

  private block(x: Matrix, layer: number): Matrix {
    const { tf, products } = this;
    const w = <T extends Tensor>(name: string): T => this.weight<T>(`h.${layer}.${name}`);
    const qkv = products.linear(
      layerNorm(tf, x, w("ln_1.weight"), w("ln_1.bias")),
      w("attn.c_attn.weight"),
      w("attn.c_attn.bias"),
    );
    const attended = tf.add(
      x,
      products.linear(this.attend(qkv), w("attn.c_proj.weight"), w("attn.c_proj.bias")),
    ) as Matrix;
    const wide = products.linear(
      layerNorm(tf, attended, w("ln_2.weight"), w("ln_2.bias")),
      w("mlp.c_fc.weight"),
      w("mlp.c_fc.bias"),
    );
    return tf.add(attended, products.linear(gelu(tf, wide), w("mlp.c_proj.weight"), w("mlp.c_proj.bias")));
  }

  loss(tokens: TfCore.Tensor1D, targets: TfCore.Tensor1D): TfCore.Scalar {
    const { tf, shape, batch, products } = this;
    const { numLayers, dModel: E, context: T, vocabSize: V } = shape;
    const wte = this.weight<Matrix>("wte.weight");
    const embedded = products.linear(oneHot(tf, tokens, V), wte, this.noBias.model);
    let x: Matrix = tf.reshape(tf.add(tf.reshape(embedded, [batch, T, E]), this.weight("wpe.weight")), [batch * T, E]);
    for (let layer = 0; layer < numLayers; layer++) x = this.block(x, layer);
    x = layerNorm(tf, x, this.weight("ln_f.weight"), this.weight("ln_f.bias"));
    const logits = products.linear(x, tf.transpose(wte), this.noBias.vocabulary);
    return tf.mul(tf.sum(tf.mul(tf.logSoftmax(logits), oneHot(tf, targets, V))), -1 / (batch * T));
  }
}

/** Returns a function that takes one step and returns the loss before it. */
export function makeStep(
  tf: Tf,
  shape: GptShape,
  weights: readonly Weight[],
  batch: Batch,
  tuned: boolean,
): () => Promise<number> {
  const gpt = new Gpt(tf, shape, weights, batch.size, tuned ? tunedProducts(tf) : plainProducts(tf));
  const { learningRate, beta1, beta2, epsilon, weightDecay } = ADAMW;
  const adam = tf.train.adam(learningRate, beta1, beta2, epsilon);
  return async () => {
    const tokens = tf.tensor1d(batch.tokens, "int32");
    const targets = tf.tensor1d(batch.targets, "int32");
    const { value, grads } = tf.variableGrads(() => gpt.loss(tokens, targets));
    tf.tidy(() => {
      for (const w of gpt.weights.values()) if (w.rank === 2) w.assign(tf.mul(w, 1 - learningRate * weightDecay));
      adam.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    });
    const [loss] = await value.data();
    tf.dispose([...Object.values(grads), value, tokens, targets]);
    return loss as number;
  };
}

/** GPT-2 decoding in TensorFlow.js, operation by operation; keys and values of earlier positions are kept and concatenated to. */
import type * as TfCore from "@tensorflow/tfjs-core";
import { makeWeights, NORM_EPSILON } from "../../gpt.ts";
import { greedyToken, promptTokens, sampleOfLogits } from "../../sides/generation.ts";
import { WEIGHT_SEED } from "../../task.ts";
import type { GpuDecodeTask, GpuJob } from "../task.ts";

type Tf = typeof TfCore;
type Tensor = TfCore.Tensor;
type Matrix = TfCore.Tensor2D;
type Stack = TfCore.Tensor3D;

function layerNorm(tf: Tf, x: Matrix, w: Tensor, b: Tensor): Matrix {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, NORM_EPSILON))), w), b);
}

function gelu(tf: Tf, x: Matrix): Matrix {
  const inner = tf.mul(tf.mul(x, tf.add(tf.mul(tf.mul(x, x), 0.044715), 1)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** Opens a decode. The prompt goes through the same function, a token at a time, before the clock starts. */
export async function openDecode(tf: Tf, { shape, prompt, tokens }: GpuDecodeTask): Promise<GpuJob> {
  const { numLayers, numHeads: H, dModel: E } = shape;
  const weights = new Map(makeWeights(shape, WEIGHT_SEED).map((w) => [w.name, tf.tensor(w.values, [...w.shape])]));
  const pick = <T extends Tensor>(name: string): T => weights.get(name) as Tensor as T;
  const ids = promptTokens(shape, prompt);
  let keys: (Stack | undefined)[] = [];
  let values: (Stack | undefined)[] = [];
  let position = 0;
  let logits = new Float32Array();

  const appended = (cache: (Stack | undefined)[], layer: number, row: Stack): Stack => {
    const before = cache[layer];
    const after = tf.keep(before ? tf.concat([before, row], 1) : tf.clone(row));
    before?.dispose();
    cache[layer] = after;
    return after;
  };
  const linear = (x: Matrix, name: string): Matrix =>
    tf.add(tf.matMul(x, pick<Matrix>(`${name}.weight`)), pick(`${name}.bias`));
  const block = (x: Matrix, layer: number): Matrix => {
    const name = `h.${layer}`;
    const qkv = linear(layerNorm(tf, x, pick(`${name}.ln_1.weight`), pick(`${name}.ln_1.bias`)), `${name}.attn.c_attn`);
    const [q, k, v] = tf.split(qkv, 3, 1).map((part) => tf.reshape(part, [H, 1, E / H])) as [Stack, Stack, Stack];
    const scores = tf.mul(tf.matMul(q, appended(keys, layer, k), false, true), 1 / Math.sqrt(E / H));
    const mixed = tf.reshape(tf.matMul(tf.softmax(scores), appended(values, layer, v)), [1, E]) as Matrix;
    const attended = tf.add(x, linear(mixed, `${name}.attn.c_proj`)) as Matrix;
    const normed = layerNorm(tf, attended, pick(`${name}.ln_2.weight`), pick(`${name}.ln_2.bias`));
    return tf.add(attended, linear(gelu(tf, linear(normed, `${name}.mlp.c_fc`)), `${name}.mlp.c_proj`));
  };
  const feed = async (token: number): Promise<void> => {
    const result = tf.tidy(() => {
      const at = (value: number): TfCore.Tensor1D => tf.tensor1d([value], "int32");
      const wte = pick<Matrix>("wte.weight");
      let x = tf.add(tf.gather(wte, at(token)), tf.gather(pick<Matrix>("wpe.weight"), at(position))) as Matrix;
      for (let layer = 0; layer < numLayers; layer++) x = block(x, layer);
      return tf.matMul(layerNorm(tf, x, pick("ln_f.weight"), pick("ln_f.bias")), wte, false, true);
    });
    position++;
    logits = new Float32Array(await result.data());
    result.dispose();
  };
  const clear = (): void => {
    tf.dispose([...keys, ...values].filter((cache) => cache !== undefined));
    [keys, values, position] = [[], [], 0];
  };
  return {
    about: {},
    prepare: async () => {
      clear();
      for (const token of ids) await feed(token);
    },
    run: async () => {
      for (let i = 0; i < tokens; i++) await feed(greedyToken(logits));
    },
    witness: async () => sampleOfLogits(logits),
    close: () => {
      clear();
      tf.dispose([...weights.values()]);
    },
  };
}

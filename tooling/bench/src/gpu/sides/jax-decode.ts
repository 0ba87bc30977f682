/**
 * GPT-2 decoding in jax-js: one jitted function from a token and the caches to logits and caches of the same shape, so that one
 * compilation serves every position. The new keys and values enter their place through a mask, because 0.1.25 has no update of a slice.
 */
import { type Array as JaxArray, jit, nn, numpy as np, tree } from "@jax-js/jax";
import { type GptShape, makeWeights, NORM_EPSILON } from "../../gpt.ts";
import { greedyToken, promptTokens, sampleOfLogits } from "../../sides/generation.ts";
import { WEIGHT_SEED } from "../../task.ts";
import type { GpuDecodeTask, GpuJob } from "../task.ts";

type Params = { [name: string]: JaxArray };
type State = { keys: JaxArray[]; values: JaxArray[] };
type StepFn = (params: Params, state: State, token: JaxArray, position: JaxArray) => [JaxArray, State];

const linear = (x: JaxArray, w: JaxArray, b: JaxArray): JaxArray => np.matmul(x, w).add(b);
const layerNorm = (x: JaxArray, w: JaxArray, b: JaxArray): JaxArray =>
  nn.standardize(x, -1, { epsilon: NORM_EPSILON }).mul(w).add(b);

/** One token [1] at a position [1], with caches [H, S, D] per layer. */
function stepFn({ numLayers, numHeads: H, dModel: E }: GptShape, S: number): StepFn {
  const D = E / H;
  return (params, state, token, position) => {
    const pick = (name: string): JaxArray => params[name] as JaxArray;
    const here = np.equal(np.arange(S), position.ref).reshape([1, S, 1]);
    const visible = np.lessEqual(np.arange(S), position.ref).reshape([1, 1, S]);
    const wte = pick("wte.weight");
    let x = np.take(wte.ref, token, 0).add(np.take(pick("wpe.weight"), position, 0));
    const next: State = { keys: [], values: [] };
    for (let layer = 0; layer < numLayers; layer++) {
      const w = (name: string): JaxArray => pick(`h.${layer}.${name}`);
      const normed = layerNorm(x.ref, w("ln_1.weight"), w("ln_1.bias"));
      const qkv = linear(normed, w("attn.c_attn.weight"), w("attn.c_attn.bias")).reshape([3, H, 1, D]);
      const [q, k, v] = np.split(qkv, 3, 0).map((part) => part.reshape([H, 1, D])) as [JaxArray, JaxArray, JaxArray];
      const keys = np.where(here.ref, k, state.keys[layer] as JaxArray);
      const values = np.where(here.ref, v, state.values[layer] as JaxArray);
      next.keys.push(keys.ref);
      next.values.push(values.ref);
      const scores = np.matmul(q, np.transpose(keys, [0, 2, 1])).mul(1 / Math.sqrt(D));
      const probs = nn.softmax(np.where(visible.ref, scores, Number.NEGATIVE_INFINITY), -1);
      const mixed = np.matmul(probs, values).reshape([1, E]);
      x = x.add(linear(mixed, w("attn.c_proj.weight"), w("attn.c_proj.bias")));
      const wide = linear(layerNorm(x.ref, w("ln_2.weight"), w("ln_2.bias")), w("mlp.c_fc.weight"), w("mlp.c_fc.bias"));
      x = x.add(linear(nn.gelu(wide), w("mlp.c_proj.weight"), w("mlp.c_proj.bias")));
    }
    here.dispose();
    visible.dispose();
    const logits = np.matmul(layerNorm(x, pick("ln_f.weight"), pick("ln_f.bias")), np.transpose(wte));
    return [logits, next];
  };
}

/** Opens a decode. The prompt goes through the same function, a token at a time, before the clock starts. */
export async function openDecode({ shape, prompt, tokens }: GpuDecodeTask): Promise<GpuJob> {
  const S = prompt + tokens;
  const step = jit(stepFn(shape, S)) as unknown as StepFn;
  const params: Params = Object.fromEntries(
    makeWeights(shape, WEIGHT_SEED).map((w) => [
      w.name,
      np.array(w.values as Float32Array<ArrayBuffer>).reshape([...w.shape]),
    ]),
  );
  const ids = promptTokens(shape, prompt);
  const empty = (): JaxArray[] =>
    Array.from({ length: shape.numLayers }, () => np.zeros([shape.numHeads, S, shape.dModel / shape.numHeads]));
  let state: State | undefined;
  let position = 0;
  let logits = new Float32Array();
  const feed = async (token: number): Promise<void> => {
    const at = (value: number): JaxArray => np.array([value], { dtype: np.int32 });
    const [result, next] = step(tree.ref(params), state as State, at(token), at(position++));
    state = next;
    logits = new Float32Array((await result.data()) as Float32Array);
  };
  return {
    about: {},
    prepare: async () => {
      if (state) tree.dispose(state);
      state = { keys: empty(), values: empty() };
      position = 0;
      for (const token of ids) await feed(token);
    },
    run: async () => {
      for (let i = 0; i < tokens; i++) await feed(greedyToken(logits));
    },
    witness: async () => sampleOfLogits(logits),
    close: () => {
      if (state) tree.dispose(state);
      tree.dispose(params);
    },
  };
}

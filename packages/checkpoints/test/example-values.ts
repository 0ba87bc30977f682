// What the examples in docstrings take for granted; they run in an empty folder.
import {
  memoryFileStore,
  type NamedArray,
  openSafetensors,
  saveSnapshot,
  writeSafetensors,
  writeWeights,
} from "../src/index.ts";
import { nodeFileStore } from "../src/node.ts";

const array = (shape: readonly number[]): NamedArray => ({
  dtype: "F32",
  shape,
  values: new Float32Array(shape.reduce((product, length) => product * length, 1)),
});

export { openSafetensors };
export const weights = new Map([
  ["transformer.wte.weight", array([100, 100])],
  ["transformer.wpe.weight", array([50, 100])],
]);
export const optimizer = new Map([["step", array([1])]]);
export const settings = { seed: 1 };
export const rng = { key: [1, 2], counter: 0 };
export const cursor = { step: 100 };
export const metrics = { loss: 1.5 };
export const text = "{}";
export const encodeUtf8 = (characters: string): Uint8Array => new TextEncoder().encode(characters);
export const bytes = writeSafetensors(weights);
export const source = {
  size: bytes.length,
  read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
};

export const store = memoryFileStore();
for (const one of [store, nodeFileStore()]) {
  await one.makeFolder("model");
  await one.write("model/config.json", [encodeUtf8('{"model_type": "gpt2"}')]);
  await writeWeights(one, "model", weights);
}
await nodeFileStore().write("model.safetensors", [bytes]);
await saveSnapshot(store, "out/run", {
  step: 50,
  settings,
  state: { rng, cursor, metrics },
  arrays: { weights, optimizer },
});

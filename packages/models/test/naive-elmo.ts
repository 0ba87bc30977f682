import { stateDict } from "@heed/nn";
import { dataSync } from "@heed/tensor";
import type { Elmo, ElmoConfig } from "../src/index.ts";

// ELMo as loops over numbers, one sentence at a time, with nothing of the code under test but its weights.

type Vector = number[];

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const sumOf = (x: readonly number[]): number => x.reduce((total, value) => total + value, 0);
const bounded = (x: number, bound: number | undefined): number => (bound ? Math.min(Math.max(x, -bound), bound) : x);

/** Mixed states of each word of each sentence, given as ids of words without padding. */
export function naiveElmo(
  model: Elmo,
  config: ElmoConfig,
  sentences: readonly (readonly (readonly number[])[])[],
): number[][][][] {
  const weights = new Map(
    [...stateDict(model)].map(([name, x]) => [name, { values: [...dataSync(x)].map(Number), shape: x.shape }]),
  );
  const at = (name: string, ...index: number[]): number => {
    const { values, shape } = weights.get(name)!;
    return values[index.reduce((place, i, axis) => place * shape[axis]! + i, 0)]!;
  };
  const sizeOf = (name: string, axis: number): number => weights.get(name)!.shape[axis]!;
  const linear = (name: string, x: Vector): Vector =>
    Array.from(
      { length: sizeOf(`${name}.weight`, 0) },
      (_, i) =>
        (weights.has(`${name}.bias`) ? at(`${name}.bias`, i) : 0) +
        sumOf(x.map((value, j) => value * at(`${name}.weight`, i, j))),
    );
  const activate = (x: number): number => (config.activation === "tanh" ? Math.tanh(x) : Math.max(0, x));

  const wordOf = (ids: readonly number[]): Vector => {
    let x = config.filters.flatMap(({ size, dOut }, i) =>
      Array.from({ length: dOut }, (_, channel) => {
        const places = Array.from({ length: ids.length - size + 1 }, (_, start) => {
          let total = at(`words.convolutions.${i}.bias`, channel);
          for (let k = 0; k < size; k++)
            for (let e = 0; e < config.dCharacter; e++)
              total +=
                at(`words.convolutions.${i}.weight`, channel, e, k) * at("characters.weight", ids[start + k]!, e);
          return total;
        });
        return activate(Math.max(...places));
      }),
    );
    for (let k = 0; k < config.numHighways; k++) {
      const [next, gate] = [linear(`highways.${k}.transform`, x), linear(`highways.${k}.gate`, x)];
      x = x.map((value, n) => {
        const carry = sigmoid(gate[n]!);
        return carry * value + (1 - carry) * Math.max(0, next[n]!);
      });
    }
    return linear("projection", x);
  };

  const runCell = (name: string, inputs: readonly Vector[]): Vector[] => {
    const N = config.dState;
    let h: Vector = new Array<number>(config.dModel).fill(0);
    let c: Vector = new Array<number>(N).fill(0);
    return inputs.map((x) => {
      const [a, b] = [linear(`${name}.input`, x), linear(`${name}.recurrent`, h)];
      const gate = (k: number, n: number): number => a[k * N + n]! + b[k * N + n]!;
      c = c.map((old, n) =>
        bounded(sigmoid(gate(1, n)) * old + sigmoid(gate(0, n)) * Math.tanh(gate(2, n)), config.cellClip),
      );
      const output = c.map((value, n) => sigmoid(gate(3, n)) * Math.tanh(value));
      h = linear(`${name}.projection`, output).map((value) => bounded(value, config.projectionClip));
      return h;
    });
  };
  const runDirection = (direction: "forward" | "backward", words: readonly Vector[]): Vector[][] => {
    const layers = [direction === "forward" ? [...words] : [...words].reverse()];
    for (let layer = 0; layer < config.numLayers; layer++) {
      const x = layers[layer]!;
      const y = runCell(`${direction}Cells.${layer}`, x);
      const adds = layer > 0 && (config.skipConnections ?? true);
      layers.push(y.map((row, t) => row.map((value, n) => value + (adds ? x[t]![n]! : 0))));
    }
    return direction === "forward" ? layers : layers.map((rows) => [...rows].reverse());
  };

  const C = config.maxCharacters ?? 50;
  const boundary = (mark: number): number[] => [259, mark, 260, ...new Array<number>(C - 3).fill(261)];
  // [sentence][layer][place][2 P]
  const states = sentences.map((sentence) => {
    const words = [boundary(257), ...sentence, boundary(258)].map(wordOf);
    const [forward, backward] = [runDirection("forward", words), runDirection("backward", words)];
    return forward.map((rows, layer) => rows.map((row, t) => [...row, ...backward[layer]![t]!]));
  });
  const scaled = (layer: number): ((x: number) => number) => {
    if (!config.normalizeLayers) return (x) => x;
    const all = states.flatMap((layers) => layers[layer]!.flat());
    const mean = sumOf(all) / all.length;
    const deviation = Math.sqrt(sumOf(all.map((x) => (x - mean) ** 2)) / all.length);
    return (x) => (x - mean) / deviation;
  };
  return Array.from({ length: config.numRepresentations ?? 1 }, (_, k) => {
    const shares = Array.from({ length: config.numLayers + 1 }, (_, i) => Math.exp(at(`mixes.${k}.weights`, i)));
    return states.map((layers) =>
      layers[0]!
        .slice(1, -1)
        .map((row, t) =>
          row.map(
            (_, n) =>
              at(`mixes.${k}.scale`, 0) *
              sumOf(layers.map((rows, i) => (shares[i]! / sumOf(shares)) * scaled(i)(rows[t + 1]![n]!))),
          ),
        ),
    );
  });
}

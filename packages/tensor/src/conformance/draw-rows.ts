import { normal } from "../primitives/normal.ts";
import { uniform } from "../primitives/uniform.ts";
import { rng, threefry } from "../rng.ts";
import type { Shape } from "../types.ts";
import { count, type Sample } from "./sample.ts";

/** Samples of a random draw: every bit as the definition says, for the stream after the first. */
function drawSamples(
  name: string,
  draw: typeof uniform,
  pair: (first: number, second: number) => readonly [number, number],
): Sample[] {
  const seed = 2 ** 40 + 7;
  const sample = (shape: Shape): Sample => ({
    name: `${name} [${shape.join(", ")}]`,
    inputs: [],
    run(_, backend) {
      const generator = rng(seed);
      generator.nextStream();
      return draw(shape, { rng: generator, backend });
    },
    expected() {
      const words = new Uint32Array(2);
      const element = (_: number, i: number): number => {
        threefry(seed % 2 ** 32, 2 ** 8, i >>> 1, 1, words);
        const [u, v] = [(words[0]! >>> 8) / 2 ** 24, (words[1]! >>> 8) / 2 ** 24];
        return pair(u, v)[i & 1]!;
      };
      return [Array.from({ length: count(shape) }, element)];
    },
    gradient: false,
    scale: 0,
  });
  return ([[], [0], [1], [2], [17], [129], [1031], [3, 5, 67], [70001]] as const).map(sample);
}

const boxMuller = (u: number, v: number): readonly [number, number] => {
  const radius = Math.sqrt(-2 * Math.log(1 - u));
  return [radius * Math.cos(2 * Math.PI * v), radius * Math.sin(2 * Math.PI * v)];
};

/** The rows of random draws. */
export const drawRows = () =>
  ({
    uniform: drawSamples("uniform", uniform, (u, v) => [u, v]),
    normal: drawSamples("normal", normal, boxMuller),
  }) satisfies Record<string, Sample[]>;

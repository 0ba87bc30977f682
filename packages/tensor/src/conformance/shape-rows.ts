import { normal } from "../primitives/normal.ts";
import { broadcast } from "../primitives/broadcast.ts";
import { concatenate } from "../primitives/concatenate.ts";
import { gather } from "../primitives/gather.ts";
import { pad } from "../primitives/pad.ts";
import { permute } from "../primitives/permute.ts";
import { reshape } from "../primitives/reshape.ts";
import { scatterAdd } from "../primitives/scatter-add.ts";
import { slice } from "../primitives/slice.ts";
import { split } from "../primitives/split.ts";
import { uniform } from "../primitives/uniform.ts";
import { rng, threefry } from "../rng.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { type Plain, type Sample, bools, count, everyIndex, float, indices, position, replaced } from "./sample.ts";

interface Move {
  readonly title: string;
  readonly input: Plain;
  run(x: Tensor): Tensor;
  readonly shape: Shape;
  /** index in the input of each index of the output; undefined: `fill` */
  from(index: readonly number[]): readonly number[] | undefined;
  readonly fill?: number;
}

/** A sample that only moves values. */
function moved(name: string, { title, input, run, shape, from, fill = 0 }: Move): Sample {
  return {
    name: `${name} ${input.dtype} ${title}`,
    inputs: [input],
    run: ([x]) => run(x!),
    expected([x]) {
      const take = (index: readonly number[]): number => {
        const source = from(index);
        return source ? x![position(source, input.shape)]! : fill;
      };
      return [everyIndex(shape).map(take)];
    },
    gradient: input.dtype === "float" && count(input.shape) > 0 && count(shape) > 0 && Number.isFinite(fill),
  };
}

function permuteSamples(): Sample[] {
  const orders: readonly (readonly [Shape, readonly number[]])[] = [
    [[], []], [[5], [0]], [[3, 4], [1, 0]], [[67, 129], [1, 0]], [[2, 3, 4], [2, 0, 1]], [[2, 3, 4], [0, 2, 1]],
    [[2, 7, 3, 5], [0, 2, 1, 3]], [[2, 3, 13, 17], [0, 1, 3, 2]], [[2, 5, 3, 4, 7], [2, 0, 3, 1, 4]], [[0, 3], [1, 0]], [[1, 3, 1], [2, 1, 0]],
  ];
  const sample = (input: Plain, order: readonly number[]): Sample =>
    moved("permute", {
      title: `[${input.shape.join(", ")}] to [${order.join(", ")}]`,
      input,
      run: (x) => permute(x, order),
      shape: order.map((axis) => input.shape[axis]!),
      from: (index) => input.shape.map((_, axis) => index[order.indexOf(axis)]!),
    });
  return [...orders.map(([shape, order]) => sample(float("permute", shape), order)), sample(bools("permute", [7, 13]), [1, 0]), sample(indices("permute", [7, 13], 99), [1, 0])];
}

function sliceSamples(): Sample[] {
  const sample = (input: Plain, starts: readonly number[], sizes: readonly number[]): Sample =>
    moved("slice", {
      title: `[${sizes.join(", ")}] at [${starts.join(", ")}] of [${input.shape.join(", ")}]`,
      input,
      run: (x) => slice(x, starts, sizes),
      shape: sizes,
      from: (index) => index.map((at, axis) => at + starts[axis]!),
    });
  return [
    sample(float("slice", []), [], []), sample(float("slice", [67]), [3], [13]), sample(float("slice", [5, 7]), [1, 0], [3, 7]),
    sample(float("slice", [5, 7]), [1, 2], [3, 4]), sample(float("slice", [1, 5, 7]), [0, 2, 0], [1, 2, 7]), sample(float("slice", [3, 5, 17]), [0, 1, 16], [3, 3, 1]),
    sample(float("slice", [5, 7]), [2, 3], [0, 4]), sample(float("slice", [5, 7]), [4, 6], [1, 1]), sample(bools("slice", [7, 13]), [1, 3], [5, 9]), sample(indices("slice", [9], 99), [1], [5]),
  ];
}

function padSamples(): Sample[] {
  const sample = (input: Plain, before: readonly number[], after: readonly number[], value: number): Sample =>
    moved("pad", {
      title: `[${input.shape.join(", ")}] by [${before.join(", ")}] and [${after.join(", ")}]`,
      input,
      run: (x) => pad(x, before, after, { value }),
      shape: input.shape.map((size, axis) => size + before[axis]! + after[axis]!),
      from: (index) => (index.every((at, axis) => at >= before[axis]! && at < before[axis]! + input.shape[axis]!) ? index.map((at, axis) => at - before[axis]!) : undefined),
      fill: value,
    });
  return [
    sample(float("pad", [5]), [2], [3], 0), sample(float("pad", []), [], [], 0), sample(float("pad", [3, 7]), [0, 1], [2, 0], -1.5), sample(float("pad", [2, 3, 5]), [1, 0, 2], [0, 1, 3], -Infinity),
    sample(float("pad", [0, 2]), [1, 1], [1, 0], 4), sample(bools("pad", [3, 5]), [1, 2], [0, 1], 1), sample(indices("pad", [7], 9), [1], [2], -7),
  ];
}

function joinSamples(): { concatenate: Sample[]; split: Sample[] } {
  const cases: readonly (readonly [Shape, number, readonly number[]])[] = [
    [[6], 0, [1, 2, 3]], [[7, 13], 0, [3, 4]], [[7, 13], 1, [5, 8]], [[3, 10, 5], 1, [3, 3, 4]], [[1, 9, 2], 1, [4, 0, 5]], [[2, 3, 67], 2, [1, 65, 1]], [[3, 0], 0, [1, 2]], [[17], 0, [17]],
  ];
  const starts = (sizes: readonly number[]): number[] => sizes.map((_, i) => sizes.slice(0, i).reduce((total, size) => total + size, 0));
  const concatenated = (make: (name: string, shape: Shape) => Plain, [shape, axis, sizes]: readonly [Shape, number, readonly number[]]): Sample => {
    const parts = sizes.map((size, i) => make(`part ${i}`, replaced(shape, axis, size)));
    const first = starts(sizes);
    return {
      name: `concatenate ${parts[0]!.dtype} to [${shape.join(", ")}] along ${axis}`,
      inputs: parts,
      run: (inputs) => concatenate(inputs, { axis }),
      expected: (inputs) => [everyIndex(shape).map((index) => {
        const part = sizes.findIndex((size, i) => index[axis]! >= first[i]! && index[axis]! < first[i]! + size);
        return inputs[part]![position(replaced(index, axis, index[axis]! - first[part]!), parts[part]!.shape)]!;
      })],
      gradient: parts[0]!.dtype === "float" && count(shape) > 0,
    };
  };
  const cut = (input: Plain, axis: number, sizes: readonly number[]): Sample => ({
    name: `split ${input.dtype} [${input.shape.join(", ")}] along ${axis} into [${sizes.join(", ")}]`,
    inputs: [input],
    run: ([x]) => split(x!, sizes, { axis }),
    expected: ([x]) => sizes.map((size, i) => everyIndex(replaced(input.shape, axis, size)).map((index) => x![position(replaced(index, axis, index[axis]! + starts(sizes)[i]!), input.shape)]!)),
    gradient: input.dtype === "float" && count(input.shape) > 0,
  });
  return {
    concatenate: [...cases.map((c) => concatenated(float, c)), concatenated(bools, [[7, 13], 1, [5, 8]]), concatenated((name, shape) => indices(name, shape, 99), [[7, 13], 0, [6, 1]])],
    split: [...cases.map(([shape, axis, sizes]) => cut(float("split", shape), axis, sizes)), cut(bools("split", [7, 13]), 1, [6, 7]), cut(indices("split", [13], 99), 0, [1, 12])],
  };
}

/** Shapes of the table, axis, shape of the indices. */
const lookups: readonly (readonly [Shape, number, Shape])[] = [
  [[5], 0, []], [[5, 3], 0, [7]], [[67, 13], 0, [3, 5]], [[4, 7, 3], 1, [5]], [[4, 7], 1, [2, 3]], [[5, 3], 0, [0]], [[5, 0], 0, [4]], [[17, 129], 0, [131]], [[1, 5], 0, [3]],
];

function gatherSamples(): Sample[] {
  const sample = (table: Plain, axis: number, where: Plain): Sample => {
    const rank = where.shape.length;
    const shape = [...table.shape.slice(0, axis), ...where.shape, ...table.shape.slice(axis + 1)];
    return {
      name: `gather ${table.dtype} [${table.shape.join(", ")}] along ${axis} by [${where.shape.join(", ")}]`,
      inputs: [table, where],
      run: ([x, i]) => gather(x!, i!, { axis }),
      expected: ([x, i]) => [everyIndex(shape).map((index) => {
        const row = i![position(index.slice(axis, axis + rank), where.shape)]!;
        return x![position([...index.slice(0, axis), row, ...index.slice(axis + rank)], table.shape)]!;
      })],
      gradient: table.dtype === "float" && count(shape) > 0,
      scale: 10,
    };
  };
  return [
    ...lookups.map(([shape, axis, where]) => sample(float("table", shape), axis, indices("where", where, shape[axis]!))),
    sample(bools("table", [7, 13]), 0, indices("where", [5], 7)),
    sample(indices("table", [7, 3], 99), 0, indices("where", [5], 7)),
  ];
}

function scatterAddSamples(): Sample[] {
  return lookups.map(([shape, axis, where]) => {
    const updates = float("updates", [...shape.slice(0, axis), ...where, ...shape.slice(axis + 1)]);
    const positions = indices("where", where, shape[axis]!);
    return {
      name: `scatterAdd into [${shape.join(", ")}] along ${axis} by [${where.join(", ")}]`,
      inputs: [updates, positions],
      run: ([x, i]) => scatterAdd(x!, i!, { axis, size: shape[axis]! }),
      expected([x, i]) {
        const out = new Array<number>(count(shape)).fill(0);
        for (const [at, index] of everyIndex(updates.shape).entries()) {
          const row = i![position(index.slice(axis, axis + where.length), where)]!;
          out[position([...index.slice(0, axis), row, ...index.slice(axis + where.length)], shape)]! += x![at]!;
        }
        return [out];
      },
      gradient: count(updates.shape) > 0,
    };
  });
}

function broadcastSamples(): Sample[] {
  const cases: readonly (readonly [Shape, Shape])[] = [[[], [5]], [[1], [67]], [[3, 1], [3, 13]], [[17], [5, 17]], [[2, 1, 3], [4, 2, 5, 3]], [[1, 1], [0, 3]], [[7], [7]]];
  const sample = (input: Plain, shape: Shape): Sample =>
    moved("broadcast", {
      title: `[${input.shape.join(", ")}] to [${shape.join(", ")}]`, input, shape,
      run: (x) => broadcast(x, shape),
      from: (index) => index.slice(shape.length - input.shape.length),
    });
  return [...cases.map(([from, to]) => sample(float("broadcast", from), to)), sample(bools("broadcast", [1, 7]), [5, 7]), sample(indices("broadcast", [3, 1], 9), [3, 5])];
}

function reshapeSamples(): Sample[] {
  const cases: readonly (readonly [Shape, Shape, Shape])[] = [[[], [1, 1], [1, 1]], [[6, 4], [2, -1], [2, 12]], [[0, 3], [3, 0], [3, 0]], [[67], [67, 1], [67, 1]]];
  return cases.map(([from, to, shape]) => ({
    name: `reshape [${from.join(", ")}] to [${to.join(", ")}]`,
    inputs: [float("reshape", from)],
    run: ([x]) => reshape(x!, to),
    expected: ([x]) => [x as number[]],
    gradient: count(shape) > 0,
  }));
}

/** Samples of a random draw: every bit as the definition says, for the stream after the first. */
function drawSamples(name: string, draw: typeof uniform, pair: (first: number, second: number) => readonly [number, number]): Sample[] {
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

/** The rows of primitives that move values, and of random draws. */
export const shapeRows = () => ({
  permute: permuteSamples(),
  slice: sliceSamples(),
  pad: padSamples(),
  ...joinSamples(),
  gather: gatherSamples(),
  scatterAdd: scatterAddSamples(),
  broadcast: broadcastSamples(),
  reshape: reshapeSamples(),
  uniform: drawSamples("uniform", uniform, (u, v) => [u, v]),
  normal: drawSamples("normal", normal, boxMuller),
}) satisfies Record<string, Sample[]>;

import { broadcast } from "../primitives/broadcast.ts";
import { concatenate } from "../primitives/concatenate.ts";
import { pad } from "../primitives/pad.ts";
import { permute } from "../primitives/permute.ts";
import { reshape } from "../primitives/reshape.ts";
import { slice } from "../primitives/slice.ts";
import { split } from "../primitives/split.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { gatherSamples, scatterAddSamples } from "./gather-rows.ts";
import { bools, count, everyIndex, float, indices, type Plain, position, replaced, type Sample } from "./sample.ts";

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
    [[], []],
    [[5], [0]],
    [
      [3, 4],
      [1, 0],
    ],
    [
      [67, 129],
      [1, 0],
    ],
    [
      [2, 3, 4],
      [2, 0, 1],
    ],
    [
      [2, 3, 4],
      [0, 2, 1],
    ],
    [
      [2, 7, 3, 5],
      [0, 2, 1, 3],
    ],
    [
      [2, 3, 13, 17],
      [0, 1, 3, 2],
    ],
    [
      [2, 5, 3, 4, 7],
      [2, 0, 3, 1, 4],
    ],
    [
      [7, 33, 3, 67],
      [0, 2, 1, 3],
    ],
    [
      [0, 3],
      [1, 0],
    ],
    [
      [1, 3, 1],
      [2, 1, 0],
    ],
  ];
  const sample = (input: Plain, order: readonly number[]): Sample =>
    moved("permute", {
      title: `[${input.shape.join(", ")}] to [${order.join(", ")}]`,
      input,
      run: (x) => permute(x, order),
      shape: order.map((axis) => input.shape[axis]!),
      from: (index) => input.shape.map((_, axis) => index[order.indexOf(axis)]!),
    });
  return [
    ...orders.map(([shape, order]) => sample(float("permute", shape), order)),
    sample(bools("permute", [7, 13]), [1, 0]),
    sample(indices("permute", [7, 13], 99), [1, 0]),
  ];
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
    sample(float("slice", []), [], []),
    sample(float("slice", [67]), [3], [13]),
    sample(float("slice", [5, 7]), [1, 0], [3, 7]),
    sample(float("slice", [5, 7]), [1, 2], [3, 4]),
    sample(float("slice", [1, 5, 7]), [0, 2, 0], [1, 2, 7]),
    sample(float("slice", [3, 5, 17]), [0, 1, 16], [3, 3, 1]),
    sample(float("slice", [5, 7]), [2, 3], [0, 4]),
    sample(float("slice", [5, 7]), [4, 6], [1, 1]),
    sample(bools("slice", [7, 13]), [1, 3], [5, 9]),
    sample(indices("slice", [9], 99), [1], [5]),
  ];
}

function padSamples(): Sample[] {
  const sample = (input: Plain, before: readonly number[], after: readonly number[], value: number): Sample =>
    moved("pad", {
      title: `[${input.shape.join(", ")}] by [${before.join(", ")}] and [${after.join(", ")}]`,
      input,
      run: (x) => pad(x, before, after, { value }),
      shape: input.shape.map((size, axis) => size + before[axis]! + after[axis]!),
      from: (index) =>
        index.every((at, axis) => at >= before[axis]! && at < before[axis]! + input.shape[axis]!)
          ? index.map((at, axis) => at - before[axis]!)
          : undefined,
      fill: value,
    });
  return [
    sample(float("pad", [5]), [2], [3], 0),
    sample(float("pad", []), [], [], 0),
    sample(float("pad", [3, 7]), [0, 1], [2, 0], -1.5),
    sample(float("pad", [2, 3, 5]), [1, 0, 2], [0, 1, 3], -Infinity),
    sample(float("pad", [0, 2]), [1, 1], [1, 0], 4),
    sample(bools("pad", [3, 5]), [1, 2], [0, 1], 1),
    sample(indices("pad", [7], 9), [1], [2], -7),
  ];
}

function joinSamples(): { concatenate: Sample[]; split: Sample[] } {
  const cases: readonly (readonly [Shape, number, readonly number[]])[] = [
    [[6], 0, [1, 2, 3]],
    [[7, 13], 0, [3, 4]],
    [[7, 13], 1, [5, 8]],
    [[3, 10, 5], 1, [3, 3, 4]],
    [[1, 9, 2], 1, [4, 0, 5]],
    [[2, 3, 67], 2, [1, 65, 1]],
    [[3, 0], 0, [1, 2]],
    [[17], 0, [17]],
  ];
  const starts = (sizes: readonly number[]): number[] =>
    sizes.map((_, i) => sizes.slice(0, i).reduce((total, size) => total + size, 0));
  const concatenated = (
    make: (name: string, shape: Shape) => Plain,
    [shape, axis, sizes]: readonly [Shape, number, readonly number[]],
  ): Sample => {
    const parts = sizes.map((size, i) => make(`part ${i}`, replaced(shape, axis, size)));
    const first = starts(sizes);
    return {
      name: `concatenate ${parts[0]!.dtype} to [${shape.join(", ")}] along ${axis}`,
      inputs: parts,
      run: (inputs) => concatenate(inputs, { axis }),
      expected: (inputs) => [
        everyIndex(shape).map((index) => {
          const part = sizes.findIndex((size, i) => index[axis]! >= first[i]! && index[axis]! < first[i]! + size);
          return inputs[part]![position(replaced(index, axis, index[axis]! - first[part]!), parts[part]!.shape)]!;
        }),
      ],
      gradient: parts[0]!.dtype === "float" && count(shape) > 0,
    };
  };
  const cut = (input: Plain, axis: number, sizes: readonly number[]): Sample => ({
    name: `split ${input.dtype} [${input.shape.join(", ")}] along ${axis} into [${sizes.join(", ")}]`,
    inputs: [input],
    run: ([x]) => split(x!, sizes, { axis }),
    expected: ([x]) =>
      sizes.map((size, i) =>
        everyIndex(replaced(input.shape, axis, size)).map(
          (index) => x![position(replaced(index, axis, index[axis]! + starts(sizes)[i]!), input.shape)]!,
        ),
      ),
    gradient: input.dtype === "float" && count(input.shape) > 0,
  });
  return {
    concatenate: [
      ...cases.map((c) => concatenated(float, c)),
      concatenated(bools, [[7, 13], 1, [5, 8]]),
      concatenated((name, shape) => indices(name, shape, 99), [[7, 13], 0, [6, 1]]),
    ],
    split: [
      ...cases.map(([shape, axis, sizes]) => cut(float("split", shape), axis, sizes)),
      cut(bools("split", [7, 13]), 1, [6, 7]),
      cut(indices("split", [13], 99), 0, [1, 12]),
    ],
  };
}

function broadcastSamples(): Sample[] {
  const cases: readonly (readonly [Shape, Shape])[] = [
    [[], [5]],
    [[1], [67]],
    [
      [3, 1],
      [3, 13],
    ],
    [[17], [5, 17]],
    [
      [2, 1, 3],
      [4, 2, 5, 3],
    ],
    [
      [1, 1],
      [0, 3],
    ],
    [[7], [7]],
  ];
  const sample = (input: Plain, shape: Shape): Sample =>
    moved("broadcast", {
      title: `[${input.shape.join(", ")}] to [${shape.join(", ")}]`,
      input,
      shape,
      run: (x) => broadcast(x, shape),
      from: (index) => index.slice(shape.length - input.shape.length),
    });
  return [
    ...cases.map(([from, to]) => sample(float("broadcast", from), to)),
    sample(bools("broadcast", [1, 7]), [5, 7]),
    sample(indices("broadcast", [3, 1], 9), [3, 5]),
  ];
}

function reshapeSamples(): Sample[] {
  const cases: readonly (readonly [Shape, Shape, Shape])[] = [
    [[], [1, 1], [1, 1]],
    [
      [6, 4],
      [2, -1],
      [2, 12],
    ],
    [
      [0, 3],
      [3, 0],
      [3, 0],
    ],
    [[67], [67, 1], [67, 1]],
  ];
  return cases.map(([from, to, shape]) => ({
    name: `reshape [${from.join(", ")}] to [${to.join(", ")}]`,
    inputs: [float("reshape", from)],
    run: ([x]) => reshape(x!, to),
    expected: ([x]) => [x as number[]],
    gradient: count(shape) > 0,
  }));
}

/** The rows of primitives that move values. */
export const shapeRows = () =>
  ({
    permute: permuteSamples(),
    slice: sliceSamples(),
    pad: padSamples(),
    ...joinSamples(),
    gather: gatherSamples(),
    scatterAdd: scatterAddSamples(),
    broadcast: broadcastSamples(),
    reshape: reshapeSamples(),
  }) satisfies Record<string, Sample[]>;

import { assign, assignSlice } from "../assign.ts";
import { adamwStep } from "../functions/adamw-step.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { bools, count, everyIndex, float, given, indices, type Plain, position, type Sample } from "./sample.ts";

/** Parameters, gradients and both moments of two steps ago, for tensors of these shapes. */
function adamwSample(title: string, shapes: readonly Shape[], step: number, withScale: boolean): Sample {
  const learningRates = shapes.map((_, i) => 1e-2 / (i + 1));
  const weightDecays = shapes.map((_, i) => (i % 2 ? 0 : 0.1));
  const [beta1, beta2, epsilon] = [0.9, 0.99, 1e-8];
  const lists = [
    ["parameter", -2, 2],
    ["gradient", -1, 1],
    ["first", -0.1, 0.1],
    ["second", 0, 0.1],
  ] as const;
  const inputs = lists.flatMap(([name, low, high]) =>
    shapes.map((shape, i) => float(`${name} ${i}`, shape, low, high)),
  );
  const n = shapes.length;
  return {
    name: `adamw ${title} step ${step}${withScale ? " scaled" : ""}`,
    inputs: withScale ? [...inputs, given([0.25], [])] : inputs,
    run(tensors) {
      const [parameters, gradients, firstMoments, secondMoments] = [0, 1, 2, 3].map((i) =>
        tensors.slice(i * n, (i + 1) * n),
      ) as [Tensor[], Tensor[], Tensor[], Tensor[]];
      adamwStep({
        parameters,
        gradients,
        firstMoments,
        secondMoments,
        scale: withScale ? tensors.at(-1) : undefined,
        learningRates,
        weightDecays,
        beta1,
        beta2,
        epsilon,
        step,
      });
      return [...parameters, ...firstMoments, ...secondMoments];
    },
    expected(values) {
      const factor = withScale ? 0.25 : 1;
      const update = (tensor: number, i: number): [number, number, number] => {
        const g = values[n + tensor]![i]! * factor;
        const m = beta1 * values[2 * n + tensor]![i]! + (1 - beta1) * g;
        const v = beta2 * values[3 * n + tensor]![i]! + (1 - beta2) * g * g;
        const decayed = values[tensor]![i]! * (1 - learningRates[tensor]! * weightDecays[tensor]!);
        return [
          decayed -
            (learningRates[tensor]! * (m / (1 - beta1 ** step))) / (Math.sqrt(v / (1 - beta2 ** step)) + epsilon),
          m,
          v,
        ];
      };
      return [0, 1, 2].flatMap((which) =>
        shapes.map((shape, tensor) => Array.from({ length: count(shape) }, (_, i) => update(tensor, i)[which]!)),
      );
    },
    gradient: false,
  };
}

function assignSample(target: Plain, source: Plain): Sample {
  return {
    name: `assign ${target.dtype} [${target.shape.join(", ")}]`,
    inputs: [target, source],
    run([to, from]) {
      assign(to!, from!);
      return to!;
    },
    expected: ([, from]) => [from!],
    gradient: false,
    scale: 0,
  };
}

function assignSliceSample(target: Plain, source: Plain, starts: readonly number[]): Sample {
  return {
    name: `assignSlice ${target.dtype} [${source.shape.join(", ")}] at [${starts.join(", ")}] of [${target.shape.join(", ")}]`,
    inputs: [target, source],
    run([to, from]) {
      assignSlice(to!, from!, starts);
      return to!;
    },
    expected: ([to, from]) => [
      everyIndex(target.shape).map((index, i) => {
        const inside = index.map((at, axis) => at - starts[axis]!);
        return inside.every((at, axis) => at >= 0 && at < source.shape[axis]!)
          ? from![position(inside, source.shape)]!
          : to![i]!;
      }),
    ],
    gradient: false,
    scale: 0,
  };
}

/** The rows of operations that change tensors in place. */
export const inPlaceRows = () =>
  ({
    adamw: [
      adamwSample("one value", [[]], 1, false),
      adamwSample("several tensors", [[67, 3], [5], [1031]], 1, true),
      adamwSample("several tensors", [[67, 3], [0], [129]], 7, false),
      adamwSample("a large tensor", [[7], [257, 401]], 3, true),
    ],
    assign: [
      assignSample(float("to", [7, 13]), float("from", [7, 13])),
      assignSample(float("to", []), float("from", [])),
      assignSample(float("to", [0]), float("from", [0])),
      assignSample(bools("to", [13]), bools("from", [13])),
      assignSample(indices("to", [5], 9), indices("from", [5], 9)),
    ],
    assignSlice: [
      assignSliceSample(float("to", [2, 3, 8, 5]), float("from", [2, 3, 2, 5]), [0, 0, 4, 0]),
      assignSliceSample(float("to", [9]), float("from", [4]), [3]),
      assignSliceSample(float("to", [5, 7]), float("from", [2, 7]), [3, 0]),
      assignSliceSample(float("to", [5, 7]), float("from", [5, 3]), [0, 2]),
      assignSliceSample(float("to", [4, 5, 6]), float("from", [2, 3, 4]), [1, 2, 1]),
      assignSliceSample(float("to", []), float("from", []), []),
      assignSliceSample(float("to", [5, 7]), float("from", [0, 7]), [5, 0]),
      assignSliceSample(bools("to", [3, 5]), bools("from", [3, 2]), [0, 3]),
    ],
  }) satisfies Record<string, Sample[]>;

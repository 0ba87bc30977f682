import { gather } from "../primitives/gather.ts";
import { scatterAdd } from "../primitives/scatter-add.ts";
import type { Shape } from "../types.ts";
import { bools, count, everyIndex, float, indices, type Plain, position, type Sample } from "./sample.ts";

/** Shapes of the table, axis, shape of the indices. */
const lookups: readonly (readonly [Shape, number, Shape])[] = [
  [[5], 0, []],
  [[5, 3], 0, [7]],
  [[67, 13], 0, [3, 5]],
  [[4, 7, 3], 1, [5]],
  [[4, 7], 1, [2, 3]],
  [[5, 3], 0, [0]],
  [[5, 0], 0, [4]],
  [[17, 129], 0, [131]],
  [[1, 5], 0, [3]],
  [[65, 129], 0, [8, 67]],
];

export function gatherSamples(): Sample[] {
  const sample = (table: Plain, axis: number, where: Plain): Sample => {
    const rank = where.shape.length;
    const shape = [...table.shape.slice(0, axis), ...where.shape, ...table.shape.slice(axis + 1)];
    return {
      name: `gather ${table.dtype} [${table.shape.join(", ")}] along ${axis} by [${where.shape.join(", ")}]`,
      inputs: [table, where],
      run: ([x, i]) => gather(x!, i!, { axis }),
      expected: ([x, i]) => [
        everyIndex(shape).map((index) => {
          const row = i![position(index.slice(axis, axis + rank), where.shape)]!;
          return x![position([...index.slice(0, axis), row, ...index.slice(axis + rank)], table.shape)]!;
        }),
      ],
      gradient: table.dtype === "float" && count(shape) > 0,
      scale: 10,
    };
  };
  return [
    ...lookups.map(([shape, axis, where]) =>
      sample(float("table", shape), axis, indices("where", where, shape[axis]!)),
    ),
    sample(bools("table", [7, 13]), 0, indices("where", [5], 7)),
    sample(indices("table", [7, 3], 99), 0, indices("where", [5], 7)),
  ];
}

export function scatterAddSamples(): Sample[] {
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

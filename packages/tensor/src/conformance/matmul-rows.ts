import { matmul } from "../primitives/matmul.ts";
import type { Shape } from "../types.ts";
import { count, everyIndex, float, given, position, type Sample } from "./sample.ts";

function matmulSample(a: Shape, b: Shape, transposeA: boolean, transposeB: boolean): Sample {
  const flip = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  const [shapeA, shapeB] = [transposeA ? flip(a) : a, transposeB ? flip(b) : b];
  const [M, K, N] = [a.at(-2)!, a.at(-1)!, b.at(-1)!];
  const rank = Math.max(a.length, b.length) - 2;
  const batch = Array.from({ length: rank }, (_, i) => {
    const [sizeA, sizeB] = [a[a.length - 2 - rank + i] ?? 1, b[b.length - 2 - rank + i] ?? 1];
    return sizeA === 1 ? sizeB : sizeA;
  });
  /** Where the matrix of a batch index begins, and the steps between its rows and its columns. */
  const layout = (shape: Shape, transposed: boolean) => {
    const whole = [...new Array<number>(rank + 2 - shape.length).fill(1), ...shape];
    const begin = (lead: readonly number[]): number => position([...lead, 0, 0], whole);
    return { begin, steps: transposed ? [1, shape.at(-1)!] : [shape.at(-1)!, 1] };
  };
  const [inA, inB] = [layout(shapeA, transposeA), layout(shapeB, transposeB)];
  return {
    name: `matmul [${shapeA.join(", ")}]${transposeA ? "^T" : ""} x [${shapeB.join(", ")}]${transposeB ? "^T" : ""}`,
    inputs: [float("matmul a", shapeA, -1, 1), float("matmul b", shapeB, -1, 1)],
    run: ([x, y]) => matmul(x!, y!, { transposeA, transposeB }),
    expected([x, y]) {
      const out = new Array<number>(count(batch) * M * N).fill(0);
      const [[rowA, columnA], [rowB, columnB]] = [inA.steps, inB.steps] as [[number, number], [number, number]];
      for (const [n, lead] of everyIndex(batch).entries()) {
        const [beginA, beginB] = [inA.begin(lead), inB.begin(lead)];
        for (let i = 0; i < M; i++)
          for (let j = 0; j < N; j++) {
            let total = 0;
            for (let k = 0; k < K; k++)
              total += x![beginA + i * rowA + k * columnA]! * y![beginB + k * rowB + j * columnB]!;
            out[(n * M + i) * N + j] = total;
          }
      }
      return [out];
    },
    gradient: count(shapeA) + count(shapeB) > 0,
    scale: Math.sqrt(Math.max(1, K, M, N)),
  };
}

/** Samples of matrix products: all transposes, batches, sizes around and across tiles. */
export function matmulSamples(): Sample[] {
  const shapes: readonly (readonly [Shape, Shape])[] = [
    [
      [1, 1],
      [1, 1],
    ],
    [
      [2, 3],
      [3, 4],
    ],
    [
      [1, 67],
      [67, 1],
    ],
    [
      [1, 7],
      [7, 129],
    ],
    [
      [5, 7],
      [7, 3],
    ],
    [
      [13, 17],
      [17, 67],
    ],
    [
      [3, 5, 7],
      [7, 13],
    ],
    [
      [3, 5, 7],
      [3, 7, 2],
    ],
    [
      [2, 1, 3, 5],
      [4, 5, 2],
    ],
    [
      [3, 5],
      [2, 5, 4],
    ],
    [
      [2, 3, 17, 5],
      [2, 3, 5, 17],
    ],
    [
      [0, 3],
      [3, 4],
    ],
    [
      [3, 4],
      [4, 0],
    ],
    [
      [0, 2, 3],
      [3, 4],
    ],
  ];
  const flags = [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const;
  const large: readonly Sample[] = flags.map(([transposeA, transposeB]) =>
    matmulSample([131, 257], [257, 65], transposeA, transposeB),
  );
  const empty: Sample = { ...matmulSample([3, 0], [0, 4], false, false), gradient: false };
  const infinite: Sample = {
    name: "matmul with NaN and infinity",
    inputs: [given([1, NaN, 2, Infinity, 1e4, -1e4], [3, 2]), given([1, 2, 3, 4], [2, 2])],
    run: ([a, b]) => matmul(a!, b!),
    expected: () => [[NaN, NaN, Infinity, Infinity, 1e4 - 3e4, 2e4 - 4e4]],
    gradient: false,
  };
  return [
    ...shapes.flatMap(([a, b]) => flags.map(([transposeA, transposeB]) => matmulSample(a, b, transposeA, transposeB))),
    ...large,
    matmulSample([3, 97, 131], [131, 257], false, false),
    empty,
    infinite,
  ];
}

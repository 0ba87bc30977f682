import { formatShape, ShapeError } from "../errors.ts";
import { matmul } from "../primitives/matmul.ts";
import { permute } from "../primitives/permute.ts";
import { reshape } from "../primitives/reshape.ts";
import { sum } from "../primitives/sum.ts";
import type { Tensor } from "../tensor.ts";

/** A tensor whose axes have letters. */
interface Labelled {
  readonly x: Tensor;
  readonly letters: readonly string[];
}

function parse(equation: string, count: number): { inputs: string[][]; output: string[] } {
  const [left, right, ...more] = equation.replaceAll(" ", "").split("->");
  const inputs = left!.split(",").map((term) => [...term]);
  const letters = inputs.flat();
  const output =
    right === undefined
      ? [...new Set(letters)].filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort()
      : [...right];
  const known =
    [...letters, ...output].every((letter) => /^[A-Za-z]$/.test(letter)) &&
    output.every((letter) => letters.includes(letter));
  const distinct = [...inputs, output].every((term) => new Set(term).size === term.length);
  if (more.length > 0 || inputs.length !== count || !known || !distinct) {
    throw new RangeError(
      `einsum: equation does not fit, expected one term of distinct letters for each of ${count} tensors and an output of their letters, got "${equation}"`,
    );
  }
  return { inputs, output };
}

function checkSizes(tensors: readonly Tensor[], inputs: readonly string[][]): void {
  const known = new Map<string, { size: number; from: string }>();
  tensors.forEach(({ shape }, i) => {
    const letters = inputs[i]!;
    if (shape.length !== letters.length)
      throw new ShapeError(
        `einsum: tensors[${i}] has rank ${shape.length} in shape ${formatShape(shape)}, expected ${letters.length} (from term ${letters.join("")})`,
      );
    letters.forEach((letter, axis) => {
      const before = known.get(letter);
      if (!before) known.set(letter, { size: shape[axis]!, from: `tensors[${i}] ${formatShape(shape)}` });
      else if (before.size !== shape[axis])
        throw new ShapeError(
          `einsum: tensors[${i}] has ${letter}=${shape[axis]} in shape ${formatShape(shape)}, expected ${letter}=${before.size} (from ${before.from})`,
        );
    });
  });
}

/** Sums over letters that nothing later names. */
function drop({ x, letters }: Labelled, needed: ReadonlySet<string>): Labelled {
  const axes = letters.flatMap((letter, axis) => (needed.has(letter) ? [] : [axis]));
  return axes.length === 0
    ? { x, letters }
    : { x: sum(x, { axes }), letters: letters.filter((letter) => needed.has(letter)) };
}

/** Orders the axes as `groups` and joins each group into one axis. */
function arrange({ x, letters }: Labelled, groups: readonly (readonly string[])[]): Tensor {
  const order = groups.flat().map((letter) => letters.indexOf(letter));
  const ordered = order.every((axis, i) => axis === i) ? x : permute(x, order);
  return reshape(
    ordered,
    groups.map((group) => group.reduce((size, letter) => size * x.shape[letters.indexOf(letter)]!, 1)),
  );
}

/** The product of two, summed over the letters they share that are not needed: one batched matrix product. */
function contract(a: Labelled, b: Labelled, needed: ReadonlySet<string>): Labelled {
  const shared = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = shared.filter((letter) => needed.has(letter));
  const inner = shared.filter((letter) => !needed.has(letter));
  const rows = a.letters.filter((letter) => !shared.includes(letter));
  const columns = b.letters.filter((letter) => !shared.includes(letter));
  const product = matmul(arrange(a, [batch, rows, inner]), arrange(b, [batch, columns, inner]), { transposeB: true });
  const letters = [...batch, ...rows, ...columns];
  const sizeOfLetter = (letter: string): number => {
    const at = a.letters.indexOf(letter);
    return at >= 0 ? a.x.shape[at]! : b.x.shape[b.letters.indexOf(letter)]!;
  };
  return { x: reshape(product, letters.map(sizeOfLetter)), letters };
}

/**
 * Products summed over named axes: `einsum("btd,bsd->bts", q, k)`.
 *
 * One letter for each axis; letters that the output leaves out are summed over. Without an arrow the output has the
 * letters that occur once, in alphabetical order. Tensors are multiplied from left to right, each pair as one batched
 * matrix product. A letter twice in one term (a diagonal) and "..." are not supported.
 *
 * DTypes: float, all equal.
 * @throws RangeError if the equation does not fit the tensors; ShapeError if one letter has two sizes
 */
export function einsum(equation: string, ...tensors: readonly Tensor[]): Tensor {
  const { inputs, output } = parse(equation, tensors.length);
  checkSizes(tensors, inputs);
  const neededFrom = (i: number): ReadonlySet<string> => new Set([...inputs.slice(i).flat(), ...output]);
  let result: Labelled = drop({ x: tensors[0]!, letters: inputs[0]! }, neededFrom(1));
  for (let i = 1; i < tensors.length; i++) {
    const others = new Set([...result.letters, ...neededFrom(i + 1)]);
    result = contract(result, drop({ x: tensors[i]!, letters: inputs[i]! }, others), neededFrom(i + 1));
  }
  return arrange(
    result,
    output.map((letter) => [letter]),
  );
}

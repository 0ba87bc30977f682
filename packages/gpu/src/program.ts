/** The text of a kernel and what it is called with: arrays first, then numbers. Each name is used once in the text. */
export interface Program {
  /** says what the text does: equal keys, equal texts */
  readonly key: string;
  readonly source: string;
  readonly arrays: number;
  readonly numbers: number;
  /**
   * Where every element depends on the elements at its own position: for each array whether it is read there (true) or is
   * one element for all (false). Such a program can run on parts of tensors that are too large for it.
   */
  readonly pointwise?: readonly boolean[] | undefined;
  /** WebGL2 only: each thread writes four numbers into one texel, or the first array holds such texels. */
  readonly fours?: "written" | "read";
}

const arrayNames = ["a", "b", "c", "d", "e", "f"] as const;

const cache = new Map<string, Program>();

/**
 * A program from the names of its numbers and its body, which reads arrays a, b, ... f at flat positions and returns
 * the element at `this.thread.x`. The body is written only when the key is new.
 */
export function program(
  key: string,
  arrays: number,
  numbers: readonly string[],
  body: () => string,
  pointwise?: readonly boolean[],
): Program {
  let found = cache.get(key);
  if (!found) {
    const names = [...arrayNames.slice(0, arrays), ...numbers];
    found = {
      key,
      source: `function (${names.join(", ")}) {\n${body()}\n}`,
      arrays,
      numbers: numbers.length,
      pointwise,
    };
    cache.set(key, found);
  }
  return found;
}

/**
 * Statements that set `quotient` to the whole part of `value / divisor` and nothing else. Division on a GPU may be off
 * by one at whole numbers, so it is corrected; exact for whole numbers up to 2^24.
 */
export function divideText(quotient: string, value: string, divisor: string): string {
  return `let ${quotient} = Math.floor(${value} / ${divisor});
if (${quotient} * ${divisor} > ${value}) { ${quotient} = ${quotient} - 1; }
if (${value} - ${quotient} * ${divisor} >= ${divisor}) { ${quotient} = ${quotient} + 1; }`;
}

/** The position of this element as a float: index arithmetic is exact in float32 up to 2^24. */
export const positionText = "const position = Math.floor(this.thread.x);";

/**
 * Statements that split `position` into one index per axis, `at0`, `at1`, ...; the sizes of all axes but the first are
 * the numbers `size1`, `size2`, ...
 */
export function unravelText(rank: number): string {
  const lines = [positionText];
  let rest = "position";
  for (let axis = rank - 1; axis > 0; axis--) {
    lines.push(divideText(`q${axis}`, rest, `size${axis}`), `const at${axis} = ${rest} - q${axis} * size${axis};`);
    rest = `q${axis}`;
  }
  lines.push(`const at0 = ${rest};`);
  return lines.join("\n");
}

/** The names of the sizes that `unravelText` reads. */
export const sizeNames = (rank: number): string[] =>
  Array.from({ length: Math.max(rank - 1, 0) }, (_, i) => `size${i + 1}`);

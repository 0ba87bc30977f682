import { stateDict } from "@heed/nn";
import { dataSync } from "@heed/tensor";

/** What the loop below knows of a decoder; as in its configuration. */
export interface NaiveChoices {
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly scale: number;
  readonly epsilon: number;
  readonly order: "post" | "pre" | "parallel" | "parallel with two norms";
  readonly activation: (x: number) => number;
  /** what is added to a score */
  readonly bias?: (head: number, distance: number) => number;
  /** gains of RMS norms are theirs and this; default 0 */
  readonly gainOffset?: number;
  /** multiplies embeddings; default 1 */
  readonly embeddingScale?: number;
  /** a query or key of one head at a position, turned */
  readonly rotate?: (x: Vector, position: number) => Vector;
  /** keys that a layer sees, those before included */
  readonly windows?: readonly (number | null)[];
}

type Vector = readonly number[];

/** Logits of each token, computed number by number from the weights of a decoder. */
export function naiveLogits(model: object, tokens: readonly number[], choices: NaiveChoices): number[][] {
  const dict = stateDict(model);
  const has = (name: string): boolean => dict.has(name);
  const rows = (name: string): number[][] => {
    const { shape } = dict.get(name)!;
    const values = Array.from(dataSync(dict.get(name)!));
    const width = shape.at(-1)!;
    return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
  };
  const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const plus = (a: Vector, b: Vector): number[] => a.map((value, i) => value + b[i]!);
  const linear = (x: Vector, name: string): number[] => {
    const y = rows(`${name}.weight`).map((row) => dot(row, x));
    return has(`${name}.bias`) ? plus(y, rows(`${name}.bias`)[0]!) : y;
  };
  const normalize = (x: Vector, name: string): number[] => {
    if (!has(`${name}.bias`)) {
      const root = Math.sqrt(x.reduce((sum, value) => sum + value ** 2, 0) / x.length + choices.epsilon);
      return x.map((value, i) => (value / root) * (rows(`${name}.gain`)[0]![i]! + (choices.gainOffset ?? 0)));
    }
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const [gain, bias] = [rows(`${name}.gain`)[0]!, rows(`${name}.bias`)[0]!];
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + choices.epsilon)) * gain[i]! + bias[i]!);
  };
  const attend = (xs: readonly Vector[], layer: number): number[][] => {
    const { numHeads, numKvHeads, scale, bias, rotate = (x) => x } = choices;
    const name = `stack.blocks.${layer}.attention`;
    const isWrapped = has(`${name}.projection.query.gain`);
    const inner = `${name}.projection${isWrapped ? ".projection" : ""}`;
    const parts = has(`${inner}.qkv.weight`) ? ["qkv"] : ["query", "key", "value"];
    const dHead = parts.flatMap((part) => rows(`${inner}.${part}.weight`)).length / (numHeads + 2 * numKvHeads);
    const cut = (x: Vector, head: number): Vector => x.slice(head * dHead, (head + 1) * dHead);
    const turned = numHeads + numKvHeads;
    const projected = xs.map((x, i) => {
      const flat = parts.flatMap((part) => linear(x, `${inner}.${part}`));
      const heads = Array.from({ length: turned }, (_, head) => {
        const plain = cut(flat, head);
        const norm = `${name}.projection.${head < numHeads ? "query" : "key"}`;
        return rotate(isWrapped ? normalize(plain, norm) : plain, i);
      });
      return [...heads.flat(), ...flat.slice(turned * dHead)];
    });
    return projected.map((query, i) => {
      const heads = Array.from({ length: numHeads }, (_, head) => {
        const group = Math.floor((head * numKvHeads) / numHeads);
        const first = Math.max(0, i + 1 - (choices.windows?.[layer] ?? i + 1));
        const weights = projected.slice(first, i + 1).map((key, j) => {
          const score = dot(cut(query, head), cut(key, numHeads + group)) * scale;
          return Math.exp(score + (bias?.(head, i - first - j) ?? 0));
        });
        const sum = weights.reduce((a, b) => a + b, 0);
        return weights
          .map((weight, j) => cut(projected[first + j]!, numHeads + numKvHeads + group).map((v) => (v * weight) / sum))
          .reduce(plus);
      });
      return linear(heads.flat(), `${name}.output`);
    });
  };
  const expand = (x: Vector, layer: number): number[] => {
    const name = `stack.blocks.${layer}.feedForward`;
    const expanded = linear(x, `${name}.expand`);
    const opened = has(`${name}.gate.weight`)
      ? linear(x, `${name}.gate`).map((value, i) => choices.activation(value) * expanded[i]!)
      : expanded.map(choices.activation);
    return linear(opened, `${name}.contract`);
  };
  const block = (xs: number[][], layer: number): number[][] => {
    const [norm1, norm2] = [`stack.blocks.${layer}.norm1`, `stack.blocks.${layer}.norm2`];
    if (choices.order === "post") {
      const mid = attend(xs, layer).map((y, i) => normalize(plus(xs[i]!, y), norm1));
      return mid.map((x) => normalize(plus(x, expand(x, layer)), norm2));
    }
    const normalized = xs.map((x) => normalize(x, norm1));
    const attended = attend(normalized, layer).map((y, i) => plus(xs[i]!, y));
    if (choices.order === "pre") return attended.map((x) => plus(x, expand(normalize(x, norm2), layer)));
    const inner = choices.order === "parallel" ? normalized : xs.map((x) => normalize(x, norm2));
    return attended.map((x, i) => plus(x, expand(inner[i]!, layer)));
  };
  const table = rows("stack.embedding.tokens.weight");
  const position = has("stack.embedding.position.table") ? rows("stack.embedding.position.table") : undefined;
  const scaled = (token: number): number[] => table[token]!.map((value) => value * (choices.embeddingScale ?? 1));
  let xs = tokens.map((token, i) => (position ? plus(scaled(token), position[i]!) : scaled(token)));
  for (let layer = 0; has(`stack.blocks.${layer}.norm1.gain`); layer++) xs = block(xs, layer);
  const last = has("stack.norm.gain") ? xs.map((x) => normalize(x, "stack.norm")) : xs;
  return last.map((x) => (has("head.weight") ? linear(x, "head") : table.map((row) => dot(row, x))));
}

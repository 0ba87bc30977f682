import { both } from "./bert-like.ts";
import type { WeightRow } from "./family.ts";

/** The same rows, for weights that stand outside of the body in files. */
export const outside = (rows: readonly WeightRow[]): WeightRow[] => rows.map((row) => ({ ...row, outside: true }));

/** Rows of the layers of heads, by the names of heads and layers. */
export const headRows = (
  heads: Readonly<Record<string, Readonly<Partial<Record<"dense" | "out", string>>>>>,
): WeightRow[] =>
  Object.entries(heads).flatMap(([name, layers]) =>
    Object.entries(layers).flatMap(([layer, theirs]) => outside(both(`heads.${name}.${layer}`, theirs))),
  );

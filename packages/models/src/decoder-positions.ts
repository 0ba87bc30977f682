import { alibi, alibiSlopes, bfloat16Alibi, type PositionEncoding } from "@heed/positions";
import { type RotaryConfig, rotaryOf } from "./rotary-config.ts";

/** How a {@link decoderModel} knows positions. */
export type PositionsConfig =
  /** a table; position p has row p + offset, default 0 */
  | { readonly kind: "learned"; readonly offset?: number }
  | ({ readonly kind: "rotary" } & RotaryConfig)
  | {
      readonly kind: "alibi";
      /** multiplies the slopes of the heads; default 1 */
      readonly factor?: number;
      /** of the slopes, where heads are no power of two; default paper */
      readonly order?: "paper" | "mpt";
      /** of slopes and penalties, as Falcon has it; default none */
      readonly rounding?: "bfloat16";
    };

/** What positions depend on beside their own choices. */
interface Sizes {
  readonly numHeads: number;
  readonly maxSeqLen: number;
  readonly positions: PositionsConfig;
}

const choicesOf = { kind: ["learned", "rotary", "alibi"], order: ["paper", "mpt"], rounding: ["bfloat16"] } as const;

/** @throws RangeError naming the choice that is unknown or out of range */
export function checkPositions(where: string, positions: PositionsConfig): void {
  const found: Readonly<Record<string, unknown>> = { ...positions };
  for (const [name, names] of Object.entries(choicesOf)) {
    const [value, isOptional] = [found[name], name !== "kind"];
    if ((isOptional && value === undefined) || (names as readonly unknown[]).includes(value)) continue;
    throw new RangeError(
      `${where}: positions.${name} is unknown, expected ${names.join(", ").replace(/, (\w+)$/, " or $1")}, got ${String(value)}`,
    );
  }
  if (found["rounding"] !== undefined && found["order"] === "mpt")
    throw new RangeError(
      `${where}: positions.order does not go with rounding, expected paper, got mpt. No model rounds MPT's slopes`,
    );
}

/** What turns queries and keys, if anything does. */
export function rotaryPositions({ positions }: Sizes): PositionEncoding | undefined {
  if (positions.kind !== "rotary") return undefined;
  const { kind: _, ...rotary } = positions;
  return rotaryOf(rotary);
}

/** What is added to scores, if anything is. */
export function scorePositions({ numHeads, maxSeqLen, positions }: Sizes): PositionEncoding | undefined {
  if (positions.kind !== "alibi") return undefined;
  const { factor = 1, order = "paper", rounding } = positions;
  if (rounding) return bfloat16Alibi({ numHeads, maxSeqLen, factor });
  return alibi({ numHeads, slopes: alibiSlopes(numHeads, { order }).map((slope) => slope * factor) });
}

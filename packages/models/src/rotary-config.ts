import { linearScaling, llama3Scaling, type RotaryScaling, rotary, yarnScaling } from "@heed/positions";

/** How rotary frequencies are stretched, as data. Factors >= 1; lengths in positions. */
export type RotaryScalingConfig =
  | { readonly kind: "linear"; readonly factor: number }
  | {
      readonly kind: "yarn";
      readonly factor: number;
      readonly originalMaxSeqLen: number;
      readonly fastTurns?: number;
      readonly slowTurns?: number;
      /** multiplies rotated queries and keys; default 0.1 ln(factor) + 1 */
      readonly magnitude?: number;
    }
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalMaxSeqLen: number;
    };

/** Rotary positions as data. */
export interface RotaryConfig {
  /** default 10000 */
  readonly base?: number;
  /** channels of a head that rotate, the first; default all */
  readonly width?: number;
  /** default half-split */
  readonly layout?: "half-split" | "interleaved";
  /** default none */
  readonly scaling?: RotaryScalingConfig;
}

function scalingOf(config: RotaryScalingConfig): RotaryScaling {
  switch (config.kind) {
    case "linear":
      return linearScaling(config);
    case "llama3":
      return llama3Scaling(config);
    case "yarn": {
      const scaling = yarnScaling(config);
      const { magnitude } = config;
      return magnitude === undefined ? scaling : (plain) => ({ ...scaling(plain), magnitude });
    }
  }
}

/**
 * The position encoding that a configuration describes.
 *
 * @throws RangeError naming the option that is out of range
 */
export function rotaryOf({ scaling, ...options }: RotaryConfig) {
  return rotary({ ...options, ...(scaling && { scaling: scalingOf(scaling) }) });
}

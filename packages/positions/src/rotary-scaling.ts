/** The pairs of a rotary encoding before or after a scaling. */
export interface RotaryFrequencies {
  /** radians a position, one for each pair of channels */
  readonly frequencies: Float64Array;
  /** multiplies rotated queries and keys; default 1 */
  readonly magnitude?: number;
}

/** Stretches rotary frequencies to contexts longer than those trained on. */
export type RotaryScaling = (plain: {
  readonly frequencies: Float64Array;
  readonly base: number;
  /** channels that rotate */
  readonly width: number;
}) => RotaryFrequencies;

function expectFactor(where: string, argument: string, value: number, least = 1): void {
  if (!(value >= least && Number.isFinite(value)))
    throw new RangeError(`${where}: ${argument} is out of range, expected a finite number >= ${least}, got ${value}`);
}

/**
 * Position interpolation: every frequency is divided by the factor.
 *
 * @param options.factor new context over trained context, >= 1
 * @see Chen et al. 2023, Extending Context Window of Large Language Models via Positional Interpolation, arXiv:2306.15595.
 * @example
 * const position = rotary({ scaling: linearScaling({ factor: 2 }) });
 */
export function linearScaling({ factor }: { readonly factor: number }): RotaryScaling {
  expectFactor("linearScaling", "factor", factor);
  return ({ frequencies }) => ({ frequencies: frequencies.map((w) => w / factor) });
}

/**
 * NTK-aware: a larger base, base * factor^(d / (d - 2)), so that the fastest pair stays and the slowest is interpolated.
 *
 * @param options.factor new context over trained context, >= 1
 * @see Peng et al. 2023, YaRN, section 3.1, arXiv:2309.00071.
 * @example
 * const position = rotary({ scaling: ntkScaling({ factor: 4 }) });
 */
export function ntkScaling({ factor }: { readonly factor: number }): RotaryScaling {
  expectFactor("ntkScaling", "factor", factor);
  return ({ frequencies, base, width }) => {
    if (width < 4)
      throw new RangeError(`ntkScaling: width is out of range, expected at least 4 channels, got ${width}`);
    const stretched = base * factor ** (width / (width - 2));
    return { frequencies: frequencies.map((_, i) => stretched ** ((-2 * i) / width)) };
  };
}

/**
 * YaRN: pairs that turn often in the trained context stay, those that turn less than once are interpolated, a ramp between;
 * queries and keys grow a little, by 0.1 ln(factor) + 1.
 *
 * @param options.factor new context over trained context, >= 1
 * @param options.originalMaxSeqLen trained context, in positions
 * @param options.fastTurns pairs that turn at least this often stay; default 32
 * @param options.slowTurns pairs that turn at most this often are interpolated; default 1
 * @see Peng et al. 2023, YaRN, section 3.2, arXiv:2309.00071. As Hugging Face: the ramp runs over pair numbers, its ends
 *   rounded outward.
 * @example
 * const position = rotary({ scaling: yarnScaling({ factor: 4, originalMaxSeqLen: 2048 }) });
 */
export function yarnScaling({
  factor,
  originalMaxSeqLen,
  fastTurns = 32,
  slowTurns = 1,
}: {
  readonly factor: number;
  readonly originalMaxSeqLen: number;
  readonly fastTurns?: number;
  readonly slowTurns?: number;
}): RotaryScaling {
  expectFactor("yarnScaling", "factor", factor);
  expectFactor("yarnScaling", "originalMaxSeqLen", originalMaxSeqLen);
  return ({ frequencies, base, width }) => {
    const pairTurning = (turns: number): number =>
      (width * Math.log(originalMaxSeqLen / (turns * 2 * Math.PI))) / (2 * Math.log(base));
    const low = Math.max(0, Math.floor(pairTurning(fastTurns)));
    const high = Math.min(width - 1, Math.ceil(pairTurning(slowTurns)));
    const interpolated = (i: number): number => Math.min(1, Math.max(0, (i - low) / (high > low ? high - low : 0.001)));
    return {
      frequencies: frequencies.map((w, i) => (w / factor) * interpolated(i) + w * (1 - interpolated(i))),
      magnitude: 0.1 * Math.log(factor) + 1,
    };
  };
}

/**
 * Llama 3's: long wavelengths are interpolated, short ones stay, a ramp of the wavelength between.
 *
 * @param options.factor what long wavelengths are stretched by, >= 1
 * @param options.lowFrequencyFactor wavelengths over originalMaxSeqLen / this are long; default 1
 * @param options.highFrequencyFactor wavelengths under originalMaxSeqLen / this are short; default 4
 * @param options.originalMaxSeqLen trained context, in positions; default 8192
 * @see Dubey et al. 2024, The Llama 3 Herd of Models, arXiv:2407.21783, and its published code.
 * @example
 * const position = rotary({ base: 500000, scaling: llama3Scaling({ factor: 8 }) });
 */
export function llama3Scaling({
  factor,
  lowFrequencyFactor = 1,
  highFrequencyFactor = 4,
  originalMaxSeqLen = 8192,
}: {
  readonly factor: number;
  readonly lowFrequencyFactor?: number;
  readonly highFrequencyFactor?: number;
  readonly originalMaxSeqLen?: number;
}): RotaryScaling {
  expectFactor("llama3Scaling", "factor", factor);
  if (!(highFrequencyFactor > lowFrequencyFactor && lowFrequencyFactor > 0))
    throw new RangeError(
      `llama3Scaling: highFrequencyFactor is out of range, expected more than lowFrequencyFactor=${lowFrequencyFactor} > 0, got ${highFrequencyFactor}`,
    );
  return ({ frequencies }) => ({
    frequencies: frequencies.map((w) => {
      const turns = (originalMaxSeqLen * w) / (2 * Math.PI);
      const kept = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
      const share = Math.min(1, Math.max(0, kept));
      return (1 - share) * (w / factor) + share * w;
    }),
  });
}

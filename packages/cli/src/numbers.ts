import { InvalidArgumentError } from "commander";

/** The numbers an option takes, in words and as a test. */
interface NumberRule {
  readonly words: string;
  accepts(value: number): boolean;
}

const parser =
  ({ words, accepts }: NumberRule) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!accepts(value)) throw new InvalidArgumentError(`Expected ${words}.`);
    return value;
  };

/** A whole number between two bounds, both included. */
export const wholeNumber = (least: number, most: number) =>
  parser({
    words: `a whole number in ${least}..${most}`,
    accepts: (value) => Number.isInteger(value) && value >= least && value <= most,
  });

/** A number > 0, at most `most`. */
export const positiveNumber = (most: number) =>
  parser({ words: `a number > 0 and <= ${most}`, accepts: (value) => value > 0 && value <= most });

/** A number between two bounds, both included. */
export const numberBetween = (least: number, most: number) =>
  parser({ words: `a number in ${least}..${most}`, accepts: (value) => value >= least && value <= most });

/** A number >= 0, at most `most`. */
export const nonNegativeNumber = (most: number) => numberBetween(0, most);

/** A number in [0, 1). */
export const fraction = parser({ words: "a number in [0, 1)", accepts: (value) => value >= 0 && value < 1 });

import type { MatrixObjective } from "../batch.ts";
import { encoderDecoderObjectives } from "./encoder-decoder.ts";
import { imageObjectives } from "./image.ts";
import { textObjectives } from "./text.ts";
import { tokenObjectives } from "./token.ts";

/** Every objective, with heads and a batch of its own. */
export const matrixObjectives: Readonly<Record<string, MatrixObjective>> = {
  ...tokenObjectives,
  ...encoderDecoderObjectives,
  ...textObjectives,
  ...imageObjectives,
};

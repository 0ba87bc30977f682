import { type Kernel, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { positionText, program } from "../program.ts";
import { expOf, logOf, rowsOf, rowText, softmaxStatistics } from "./softmax.ts";

/** Statements that set `target`, and `counts` to 0 for a row whose target is to be ignored; that one reads class 0. */
const targetText = (row: string): string => `const target = Math.min(Math.max(b[${row}], 0), width - 1);
let counts = 1;
if (b[${row}] === ignored) { counts = 0; }`;

/**
 * From logits a, targets b and statistics c: distances from the largest logit first, so that large logits lose nothing.
 * The even share of label smoothing, `spread`, walks the whole row.
 */
const lossBody = (weighted: boolean, smooth: boolean): string => `${positionText}
${targetText("this.thread.x")}
const top = c[2 * position];
let rest = c[2 * position + 1];
${logOf("rest")}
let loss = top - a[position * width + target] + rest;
${
  smooth
    ? `let spread = 0 * width;
for (let k = 0; k < width; k++) { spread = spread + (top - a[position * width + k]); }
loss = loss * (1 - smoothing) + (spread / width + rest) * smoothing;`
    : ""
}
if (counts < 0.5) { loss = 0 * width; }
return loss${weighted ? " * d[this.thread.x]" : ""};`;

/** From logits a, targets b, logarithms of sums c, gradients of the losses d, and weights e where there are any. */
const backwardBody = (weighted: boolean): string => `${rowText}
${targetText("row")}
if (counts < 0.5) { return 0 * width; }
let prob = a[this.thread.x] - c[row];
${expOf("prob")}
let wanted = smoothing / width;
if (column === target) { wanted = wanted + 1 - smoothing; }
return (prob - wanted) * d[row]${weighted ? " * e[row]" : ""};`;

/** Cross-entropy of rows of logits: statistics of each row, then its loss, or the gradient of each logit. */
export function crossEntropyKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    softmaxCrossEntropy([logits, targets, weights], [losses, logSumExp], { labelSmoothing, ignoreIndex }) {
      const size = rowsOf(logits!);
      if (size.rows * size.width === 0) return false;
      const x = launcher.valueOf(logits!);
      const statistics = softmaxStatistics(launcher, x, size);
      const smooth = (labelSmoothing as number) > 0;
      const made = program(
        `softmaxCrossEntropy${weights ? " weighted" : ""}${smooth ? " smooth" : ""}`,
        weights ? 4 : 3,
        ["width", "ignored", ...(smooth ? ["smoothing"] : [])],
        () => lossBody(weights !== undefined, smooth),
      );
      const values = [x, launcher.valueOf(targets!), statistics, ...(weights ? [launcher.valueOf(weights)] : [])];
      const numbers = [size.width, ignoreIndex as number, ...(smooth ? [labelSmoothing as number] : [])];
      launcher.store(losses!, launcher.run(made, size.rows, values, numbers));
      const sums = program("logSumExp", 1, [], () => {
        return `${positionText}\nlet rest = a[2 * position + 1];\n${logOf("rest")}\nreturn a[2 * position] + rest;`;
      });
      launcher.store(logSumExp!, launcher.run(sums, size.rows, [statistics]));
      statistics.release();
    },
    softmaxCrossEntropyBackward(operands, [dlogits, , dweights], { labelSmoothing, ignoreIndex }) {
      const [logits, targets] = operands;
      const [logSumExp, g] = operands.slice(-2);
      const weights = operands.length > 4 ? operands[2] : undefined;
      if (dweights || !dlogits || sizeOf(logits!.shape) === 0) return false;
      const made = program(
        `softmaxCrossEntropyBackward${weights ? " weighted" : ""}`,
        weights ? 5 : 4,
        ["width", "ignored", "smoothing"],
        () => backwardBody(weights !== undefined),
      );
      const values = [logits!, targets!, logSumExp!, g!, ...(weights ? [weights] : [])].map((x) => launcher.valueOf(x));
      const numbers = [rowsOf(logits!).width, ignoreIndex as number, labelSmoothing as number];
      launcher.store(dlogits, launcher.run(made, sizeOf(logits!.shape), values, numbers));
    },
  };
}

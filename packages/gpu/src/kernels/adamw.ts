import { type Kernel, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { program } from "../program.ts";

interface AdamwAttributes {
  readonly learningRates: readonly number[];
  readonly weightDecays: readonly number[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly step: number;
}

const first = () =>
  program("adamw first moment", 3, ["beta"], () => {
    return "return beta * a[this.thread.x] + (1 - beta) * b[this.thread.x] * c[0];";
  });

const second = () =>
  program("adamw second moment", 3, ["beta"], () => {
    return "const scaled = b[this.thread.x] * c[0];\nreturn beta * a[this.thread.x] + (1 - beta) * scaled * scaled;";
  });

const parameter = () =>
  program("adamw parameter", 3, ["kept", "rate", "root", "epsilon"], () => {
    return "return a[this.thread.x] * kept - rate * b[this.thread.x] / (Math.sqrt(c[this.thread.x]) / root + epsilon);";
  });

/**
 * One AdamW step: new moments, then new parameters, which replace the old ones.
 *
 * @see Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
 */
export function adamwKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    adamw(operands, _, attributes) {
      const { learningRates, weightDecays, beta1, beta2, epsilon, step } = attributes as unknown as AdamwAttributes;
      const count = learningRates.length;
      const scale = launcher.valueOf(operands[4 * count]!);
      for (let i = 0; i < count; i++) {
        const [p, g, m, v] = [0, 1, 2, 3].map((list) => operands[list * count + i]!) as [
          (typeof operands)[number],
          (typeof operands)[number],
          (typeof operands)[number],
          (typeof operands)[number],
        ];
        const length = sizeOf(p.shape);
        const gradient = launcher.valueOf(g);
        launcher.store(m, launcher.run(first(), length, [launcher.valueOf(m), gradient, scale], [beta1]));
        launcher.store(v, launcher.run(second(), length, [launcher.valueOf(v), gradient, scale], [beta2]));
        const rate = learningRates[i]!;
        const numbers = [
          1 - rate * weightDecays[i]!,
          rate / (1 - beta1 ** step),
          Math.sqrt(1 - beta2 ** step),
          epsilon,
        ];
        const inputs = [launcher.valueOf(p), launcher.valueOf(m), launcher.valueOf(v)];
        launcher.store(p, launcher.run(parameter(), length, inputs, numbers));
      }
    },
  };
}

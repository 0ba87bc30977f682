import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { gridOf, perElement, uniform } from "./grid.ts";

interface AdamwAttributes {
  readonly learningRates: readonly number[];
  readonly weightDecays: readonly number[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly step: number;
}

const program: WgslProgram = {
  key: "adamw",
  code: `struct Params { length : u32, across : u32, beta1 : f32, beta2 : f32, kept : f32, rate : f32, root : f32, epsilon : f32,
  new1 : f32, new2 : f32 }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read> gradient : array<vec4f>;
@group(0) @binding(2) var<storage, read> scale : array<f32>;
@group(0) @binding(3) var<storage, read_write> parameter : array<vec4f>;
@group(0) @binding(4) var<storage, read_write> first : array<vec4f>;
@group(0) @binding(5) var<storage, read_write> second : array<vec4f>;
${perElement}
let g = gradient[i] * scale[0];
let m = p.beta1 * first[i] + p.new1 * g;
let v = p.beta2 * second[i] + p.new2 * g * g;
first[i] = m;
second[i] = v;
parameter[i] = parameter[i] * p.kept - p.rate * m / (sqrt(v) / p.root + p.epsilon);
}`,
  ...{ inputs: 2, outputs: 0, updates: 3 },
};

/**
 * One AdamW step in place, one launch for each tensor: moments and parameter are read and written once.
 *
 * @see Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
 */
export function adamwWgsl(launcher: Launcher): Record<string, Kernel> {
  return {
    adamw(operands, _, attributes) {
      const { learningRates, weightDecays, beta1, beta2, epsilon, step } = attributes as unknown as AdamwAttributes;
      const count = learningRates.length;
      const scale = launcher.valueOf(operands[4 * count]!);
      learningRates.forEach((rate, i) => {
        const [p, g, m, v] = [0, 1, 2, 3].map((list) => operands[list * count + i]!) as [
          Operand,
          Operand,
          Operand,
          Operand,
        ];
        if (sizeOf(p.shape) === 0) return;
        const fours = Math.ceil(sizeOf(p.shape) / 4);
        const { across, workgroups } = gridOf(launcher, fours);
        const corrected = rate / (1 - beta1 ** step);
        const root = Math.sqrt(1 - beta2 ** step);
        const floats = [beta1, beta2, 1 - rate * weightDecays[i]!, corrected, root, epsilon, 1 - beta1, 1 - beta2];
        launcher.runWgsl(program, {
          inputs: [launcher.valueOf(g), scale],
          outputLengths: [],
          updates: [p, m, v].map((x) => launcher.exclusive(x)),
          params: uniform([fours, across], floats),
          workgroups,
        });
      });
      return true;
    },
  };
}

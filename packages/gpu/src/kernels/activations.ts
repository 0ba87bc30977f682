import type { Kernel } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { elementwise } from "./elementwise.ts";
import { erfOf, tanhOf } from "./elementwise-texts.ts";

const rootHalf = "0.7071067811865476";
const slope = "0.7978845608028654";

/** 1 / (1 + e^-va) as `sigma`: by e^-|va|, which never overflows. */
const sigmaText = `const small = Math.exp(-Math.abs(va));
let sigma = 1 / (1 + small);
if (va < 0) { sigma = small / (1 + small); }`;

const innerText = `${slope} * va * (1 + 0.044715 * va * va)`;

/** Functions of one element x = `va`. */
const forwardTexts = {
  relu: "if (va <= 0) { return 0; }\nreturn va;",
  silu: `${sigmaText}\nreturn va * sigma;`,
  gelu: `${erfOf(`va * ${rootHalf}`, "bent")}\nreturn va * (0.5 * (bent + 1));`,
  geluTanh: `${tanhOf(innerText, "bent")}\nreturn va * 0.5 * (bent + 1);`,
} as const;

export type Activation = keyof typeof forwardTexts;

/** Their derivatives times the gradient of the result, `vb`. */
const backwardTexts: Readonly<Record<Activation, string>> = {
  relu: "if (va <= 0) { return 0; }\nreturn vb;",
  silu: `${sigmaText}\nreturn vb * (sigma * (va * (1 - sigma) + 1));`,
  gelu: `${erfOf(`va * ${rootHalf}`, "bent")}
const density = 0.3989422804014327 * Math.exp(-0.5 * va * va);
return vb * (0.5 * (bent + 1) + va * density);`,
  geluTanh: `${tanhOf(innerText, "bent")}
const steep = va * (1 - bent * bent) * (${slope} * (1 + 0.134145 * va * va));
return vb * 0.5 * (bent + 1 + steep);`,
};

/** Applies an activation to a value in one launch. */
export const activationText = (name: Activation): string => `const va = a[this.thread.x];\n${forwardTexts[name]}`;

/** The nonlinearities of feed-forward layers, and their gradients, in one launch each. */
export function activationKernels(launcher: Launcher): Record<string, Kernel> {
  const kernel =
    (texts: Readonly<Record<Activation, string>>, suffix: string, only?: Activation): Kernel =>
    (inputs, [y], { approximate }) => {
      const name = only ?? (approximate === "tanh" ? "geluTanh" : "gelu");
      launcher.store(y!, elementwise(launcher, `${name}${suffix}`, { text: texts[name] }, inputs, y!.shape));
    };
  const pair = (name: "relu" | "silu" | "gelu"): Record<string, Kernel> => {
    const only = name === "gelu" ? undefined : name;
    return {
      [name]: kernel(forwardTexts, "", only),
      [`${name}Backward`]: kernel(backwardTexts, "Backward", only),
    };
  };
  return { ...pair("relu"), ...pair("silu"), ...pair("gelu") };
}

import { namedWeights, type Pretrained } from "@heed/models";
import { dispose, keep, scope, type Tensor, valueAndGradients } from "@heed/tensor";
import type { GoldenCase } from "./golden.ts";
import type { Computed, Runner } from "./runners.ts";
import { optionsOf, readAll, unknownNames } from "./support.ts";

/** Notes a result under the name that the fixture has for it, and keeps it. */
export type Watch = (name: string, x: Tensor) => void;

/** How the forward pass of a class is computed. */
export interface ForwardOf {
  /** names of inputs that it reads; a case with others is refused */
  readonly inputs: readonly string[];
  /** names of options that it honors, beside those that only ask for outputs */
  readonly options?: readonly string[];
  /** what gradients are of; default "loss" */
  readonly gradientsOf?: string;
  /** anything else that it cannot do */
  refuses?(golden: GoldenCase): string | undefined;
  /** Notes all outputs; returns what gradients are of, where the case has inputs for it. It is watched as "loss". */
  compute(pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined;
}

/** Options that change no number. */
const reportOptions = ["output_hidden_states", "output_attentions", "use_cache", "return_dict"];

/** A runner of one forward pass, with loss, gradients, hidden states and attentions as far as the case has them. */
export function forwardRunner(forward: ForwardOf): Runner {
  const { inputs, options = [], gradientsOf = "loss" } = forward;
  return {
    refuses: (golden) =>
      unknownNames("inputs", golden.inputs.keys(), inputs) ??
      unknownNames("options", Object.keys(optionsOf(golden)), [...options, ...reportOptions]) ??
      (golden.grads.size > 0 && golden.gradientsOf !== gradientsOf
        ? `gradients of ${golden.gradientsOf} are not supported, expected of ${gradientsOf}`
        : forward.refuses?.(golden)),
    run: (pretrained, golden) => run(forward, pretrained, golden),
  };
}

async function run(forward: ForwardOf, pretrained: Pretrained, golden: GoldenCase): Promise<Computed> {
  const found = new Map<string, Tensor>();
  const watch: Watch = (name, x) => void found.set(name, keep(x));
  const compute = (): Tensor | undefined => {
    const loss = forward.compute(pretrained, golden, watch);
    if (loss) watch("loss", loss);
    return loss;
  };
  const gradients = golden.grads.size > 0 ? gradientsFor(pretrained, golden, compute) : new Map<string, Tensor>();
  if (golden.grads.size === 0) scope(() => void compute());
  try {
    const wanted = [...found].filter(([name]) => golden.outputs.has(name));
    return { outputs: await readAll(new Map(wanted)), grads: await readAll(gradients) };
  } finally {
    dispose([...new Set([...found.values(), ...gradients.values()])]);
  }
}

/** Gradients for the weights that the case names; those that the model does not have stay out and so fail. */
function gradientsFor(
  pretrained: Pretrained,
  { name, grads }: GoldenCase,
  compute: () => Tensor | undefined,
): Map<string, Tensor> {
  const weights = namedWeights(pretrained);
  const names = [...grads.keys()].filter((key) => weights.has(key));
  const wanted = Object.fromEntries(names.map((key) => [key, weights.get(key)!.tensor]));
  const { gradients } = valueAndGradients(() => {
    const loss = compute();
    if (!loss) throw new TypeError(`verify: case ${name} has gradients, expected inputs for a loss. Give labels`);
    return loss;
  }, wanted);
  return new Map(names.map((key) => [key, weights.get(key)!.asStored(gradients[key]!)]));
}

import { nodeFileStore } from "@heed/checkpoints/node";
import { type Elmo, type ElmoOutputs, elmoWeights, loadElmo, type PretrainedElmo } from "@heed/models";
import { stateDict } from "@heed/nn";
import { add, assign, dispose, keep, multiply, scope, sum, type Tensor, valueAndGradients } from "@heed/tensor";
import { badInput } from "../../errors.ts";
import { compare } from "../compare.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import type { Computed } from "../runners.ts";
import { float32, int32, readAll, unknownNames } from "../support.ts";

/** What a call may say; all but these options decide nothing in evaluation. */
const callKeys = [
  ...["class", "reference", "kind", "num_output_representations", "do_layer_norm", "keep_sentence_boundaries"],
  ...["dropout", "requires_grad", "stateful"],
];

/** Terms of what the gradients are of: an output and what it is multiplied with. */
function termsOf({ gradientsOf = "" }: GoldenCase): readonly (readonly [string, string | undefined])[] | undefined {
  const terms = gradientsOf.split(" + ").map((term) => /^sum\((\w+)(?: \* (\w+))?\)$/.exec(term));
  return terms.every((term) => term !== null) ? terms.map((term) => [term[1]!, term[2]] as const) : undefined;
}

/** Whether a case was recorded from AllenNLP's ELMo, whose folder has no config.json. */
export const isElmoCase = ({ call }: GoldenCase): boolean =>
  ["Elmo", "allennlp.modules.elmo.Elmo"].includes(String(call["class"] ?? call["reference"]));

/** What keeps a case from being computed as it was recorded. */
export function elmoRefuses(golden: GoldenCase): string | undefined {
  const { call, inputs, grads } = golden;
  const terms = grads.size > 0 ? termsOf(golden) : [];
  if (!terms) return `gradients of ${golden.gradientsOf} are not supported, expected sums of outputs`;
  const factors = terms.flatMap(([, factor]) => (factor === undefined ? [] : [factor]));
  const rank = inputs.get("character_ids")?.shape.length;
  return (
    unknownNames("options", Object.keys(call), callKeys) ??
    unknownNames("inputs", inputs.keys(), ["character_ids", ...factors]) ??
    (rank === 3 ? undefined : `character_ids with ${rank ?? "no"} axes are not supported, expected [B, T, characters]`)
  );
}

/** Everything that a case may have recorded, by its name there. */
function outputsOf(model: Elmo, characters: Tensor, keepBoundaries: boolean): Map<string, Tensor> {
  const { embeddings, layers, mask } = model.layers(characters);
  const mixed: ElmoOutputs = model.forward(characters, { keepBoundaries });
  return new Map([
    ["token_embedding", embeddings],
    ["mask_with_boundaries", mask],
    ...layers.map((x, i) => [`layer_${i}`, x] as const),
    ["mask", mixed.mask],
    ...mixed.representations.map((x, i) => [`representation_${i}`, x] as const),
  ]);
}

async function openAll(folder: string, files: readonly string[], { call }: GoldenCase): Promise<PretrainedElmo[]> {
  const models: PretrainedElmo[] = [];
  for (const file of files) {
    const weights = file.slice(file.lastIndexOf("/") + 1);
    models.push(
      await loadElmo(nodeFileStore(), folder, {
        weights,
        numRepresentations: Number(call["num_output_representations"] ?? 1),
        normalizeLayers: call["do_layer_norm"] === true,
      }),
    );
  }
  return models;
}

/** Mixtures belong to no published file: all take those of the module. */
function shareMixtures(models: readonly PretrainedElmo[]): void {
  const source = models.find(({ naming }) => naming === "allennlp");
  if (!source) return;
  const own = stateDict(source.model);
  for (const { model } of models)
    for (const [name, weight] of stateDict(model)) if (name.startsWith("mixes.")) assign(weight, own.get(name)!);
}

/** The value that is farther from what was recorded. */
const worse = (golden: GoldenCase, name: string, a: GoldenArray, b: GoldenArray): GoldenArray => {
  const expected = golden.outputs.get(name)!;
  return compare(name, b, expected).error > compare(name, a, expected).error ? b : a;
};

/** Computes a case with the weights of every file, which hold the same model: outputs are the worst of all, gradients the first's. */
export async function runElmo(folder: string, files: readonly string[], golden: GoldenCase): Promise<Computed> {
  const models = await openAll(folder, files, golden);
  shareMixtures(models);
  const outputs = new Map<string, GoldenArray>();
  let grads: Computed["grads"] = new Map();
  try {
    for (const [i, pretrained] of models.entries()) {
      const computed = await compute(pretrained, golden, i === 0);
      if (i === 0) grads = computed.grads;
      for (const [name, array] of computed.outputs)
        outputs.set(name, outputs.has(name) ? worse(golden, name, outputs.get(name)!, array) : array);
    }
  } finally {
    dispose(models.map(({ model }) => model));
  }
  return { outputs, grads };
}

async function compute(pretrained: PretrainedElmo, golden: GoldenCase, withGradients: boolean): Promise<Computed> {
  const { model } = pretrained;
  const { inputs, call, grads } = golden;
  let found = new Map<string, Tensor>();
  const forward = (): Map<string, Tensor> => {
    const all = outputsOf(model, int32(inputs.get("character_ids")!), call["keep_sentence_boundaries"] === true);
    found = keep(new Map([...all].filter(([name]) => golden.outputs.has(name))));
    return all;
  };
  const gradients = withGradients && grads.size > 0 ? gradientsFor(pretrained, golden, forward) : new Map();
  if (found.size === 0) scope(() => void forward());
  try {
    return { outputs: await readAll(found), grads: await readAll(gradients) };
  } finally {
    dispose([...new Set([...found.values(), ...gradients.values()])]);
  }
}

/** Gradients of the weights that the case names, as AllenNLP lays them out. */
function gradientsFor(
  pretrained: PretrainedElmo,
  golden: GoldenCase,
  forward: () => Map<string, Tensor>,
): Map<string, Tensor> {
  const quantity = (): Tensor => {
    const outputs = forward();
    const terms = termsOf(golden)!.map(([name, factor]) => {
      const output = outputs.get(name);
      if (!output)
        throw badInput(
          `verify: case ${golden.name} has gradients of ${name}, expected one of ${[...outputs.keys()].join(", ")}`,
        );
      return sum(factor === undefined ? output : multiply(output, float32(golden.inputs.get(factor)!)));
    });
    return terms.reduce((total, term) => add(total, term));
  };
  const { value, gradients } = valueAndGradients(quantity, Object.fromEntries(stateDict(pretrained.model)));
  const all = keep(scope(() => elmoWeights({ ...pretrained, naming: "allennlp" }, new Map(Object.entries(gradients)))));
  dispose(value);
  return new Map([...all].filter(([name]) => golden.grads.has(name)));
}

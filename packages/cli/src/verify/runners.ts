import type { Pretrained } from "@heed/models";
import type { GoldenCase } from "./golden.ts";
import { type Computed, runForward, runGenerate, runTraining } from "./gpt2.ts";

/** Computes what a case recorded. */
export type Runner = (pretrained: Pretrained, golden: GoldenCase) => Promise<Computed>;

/** Runners by the class that recorded a case and the kind of its call. */
const runners: Readonly<Record<string, Readonly<Record<string, Runner>>>> = {
  GPT2LMHeadModel: { forward: runForward, generate: runGenerate, train: runTraining },
};

/** What `runForward` understands; anything else would be compared without having been done. */
const knownInputs = new Set(["input_ids", "labels", "attention_mask"]);

/** The runner of a case, or why there is none. */
export function runnerOf({ call, inputs }: GoldenCase): Runner | string {
  const name = String(call["class"]);
  const kinds = runners[name];
  if (!kinds) return `class ${name} is not supported, expected one of ${Object.keys(runners).join(", ")}`;
  const runner = kinds[String(call["kind"])];
  if (!runner) return `kind ${String(call["kind"])} of ${name} is not supported, expected one of ${Object.keys(kinds).join(", ")}`;
  const strange = [...inputs.keys()].filter((input) => !knownInputs.has(input));
  if (strange.length > 0) return `inputs ${strange.join(", ")} of ${name} are not supported, expected ${[...knownInputs].join(", ")}`;
  return runner;
}

import type { Pretrained } from "@heed/models";
import { runGenerate, runTargetGenerate } from "./generate.ts";
import type { GoldenArray, GoldenCase } from "./golden.ts";
import { runTraining } from "./gpt2-train.ts";
import { causalForward, statesForward } from "./models/causal-lm.ts";
import { imageTextModels } from "./models/clip.ts";
import { encoderModels } from "./models/encoder-classes.ts";
import { encoderDecoderForward, t5EncoderForward } from "./models/encoder-decoder.ts";
import { recordedFalcon } from "./models/falcon.ts";
import { classifierForward } from "./models/sequence-classifier.ts";
import { sourceHeadModels } from "./models/source-heads.ts";
import { visionModels } from "./models/vision.ts";
import { xlnetModels } from "./models/xlnet.ts";

/** What a runner computed, under the names of the fixture. */
export interface Computed {
  readonly outputs: ReadonlyMap<string, GoldenArray>;
  readonly grads?: ReadonlyMap<string, GoldenArray>;
  readonly parametersAfter?: ReadonlyMap<string, GoldenArray>;
}

/** Computes what a case recorded. */
export interface Runner {
  /** what keeps this runner from doing exactly what was recorded, if anything: it must not compare something else */
  refuses(golden: GoldenCase): string | undefined;
  run(pretrained: Pretrained, golden: GoldenCase): Promise<Computed>;
}

const encoderDecoders = Object.fromEntries(
  [
    ...["BartForConditionalGeneration", "BartModel", "MBartForConditionalGeneration", "MBartModel"],
    ...["PegasusForConditionalGeneration", "PegasusModel", "MarianMTModel", "MarianModel"],
    ...["T5ForConditionalGeneration", "T5Model", "MT5ForConditionalGeneration", "MT5Model"],
  ].map((name) => [name, { forward: encoderDecoderForward(), generate: runTargetGenerate }]),
);

const causalModels = Object.fromEntries(
  [
    ...["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "GemmaForCausalLM"],
    ...["GPTNeoForCausalLM", "GPTNeoXForCausalLM", "GPTJForCausalLM", "PhiForCausalLM", "BloomForCausalLM"],
    ...["MptForCausalLM", "OpenAIGPTLMHeadModel", "ImageGPTForCausalImageModeling"],
  ].map((name) => [name, { forward: causalForward(), generate: runGenerate }]),
);

const decoderNames = [
  ...["GPT2", "Llama", "Mistral", "Qwen2", "Qwen3", "GPTNeo", "GPTNeoX", "GPTJ", "Phi", "Bloom", "Mpt", "OpenAIGPT"],
  ...["ImageGPT", "OPT", "Falcon", "Gemma"],
];

/** Decoders without a head, and those that classify sequences. */
const headless = Object.fromEntries(
  decoderNames.flatMap((name) => {
    const traits = { countsTokens: name === "OPT" || name === "Falcon" };
    const as = (runner: Runner) => ({ forward: name === "Falcon" ? recordedFalcon(runner) : runner });
    const classifier = name === "ImageGPT" ? "ImageGPTForImageClassification" : `${name}ForSequenceClassification`;
    return [
      [`${name}Model`, as(statesForward(traits))],
      [classifier, as(classifierForward(traits))],
    ];
  }),
);

/** Runners by the class that recorded a case and the kind of its call. */
const runners: Readonly<Record<string, Readonly<Record<string, Runner>>>> = {
  GPT2LMHeadModel: { forward: causalForward(), generate: runGenerate, train: runTraining },
  ...causalModels,
  FalconForCausalLM: {
    forward: recordedFalcon(causalForward({ countsTokens: true })),
    generate: recordedFalcon(runGenerate),
  },
  OPTForCausalLM: { forward: causalForward({ countsTokens: true }), generate: runGenerate },
  ...headless,
  ...encoderDecoders,
  ...sourceHeadModels,
  ...encoderModels,
  MT5EncoderModel: { forward: t5EncoderForward() },
  T5EncoderModel: { forward: t5EncoderForward() },
  ...visionModels,
  ...imageTextModels,
  ...xlnetModels,
};

/** The runner of a case, or why there is none. */
export function runnerOf(golden: GoldenCase): Runner | string {
  const name = String(golden.call["class"] ?? golden.call["reference"]);
  const kind = String(golden.call["kind"]);
  const kinds = Object.hasOwn(runners, name) ? runners[name]! : undefined;
  if (!kinds) return `class ${name} is not supported, expected one of ${Object.keys(runners).join(", ")}`;
  const runner = Object.hasOwn(kinds, kind) ? kinds[kind]! : undefined;
  if (!runner) return `kind ${kind} of ${name} is not supported, expected one of ${Object.keys(kinds).join(", ")}`;
  return runner.refuses(golden) ?? runner;
}

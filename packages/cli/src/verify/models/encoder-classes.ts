import { binaryCrossEntropy } from "@heed/objectives";
import { add, cast, crossEntropy, divide, mean, multiply, reshape, sum, type Tensor } from "@heed/tensor";
import type { Runner } from "../runners.ts";
import { float32, int32, shiftedLoss } from "../support.ts";
import { classLoss } from "./class-loss.ts";
import { type EncoderClass, encoderForward, headOf, labelled, type Reading, readSpan } from "./encoder.ts";

export function readClasses(reading: Reading): Tensor | undefined {
  const logits = headOf(reading, "classes");
  reading.watch("logits", logits);
  return classLoss(logits, reading);
}

/** One score for each text; those to choose from stand in one row again. */
function readChoice(reading: Reading): Tensor | undefined {
  const [B, C] = reading.golden.inputs.get("input_ids")!.shape as [number, number];
  const logits = reshape(headOf(reading, "choice"), [B, C]);
  reading.watch("logits", logits);
  const labels = reading.golden.inputs.get("labels");
  return labels && crossEntropy(logits, int32(labels), { ignoreIndex: -100 });
}

const states: EncoderClass = {
  inputs: [],
  read({ found, watch }) {
    watch("last_hidden_state", found["states"]!);
    if (found["pooled"]) watch("pooler_output", found["pooled"]);
    return undefined;
  },
};

const words: EncoderClass = { inputs: ["labels"], read: labelled("words") };

/** Scores of each token for the next one. */
const nextToken: EncoderClass = {
  inputs: ["labels"],
  read(reading) {
    const logits = headOf(reading, "words");
    reading.watch("logits", logits);
    const labels = reading.golden.inputs.get("labels");
    return labels && shiftedLoss(logits, int32(labels));
  },
};

/** Two losses, added where both have labels. */
const pretraining: EncoderClass = {
  inputs: ["labels", "next_sentence_label"],
  read(reading) {
    const tokens = labelled("words", "prediction_logits")(reading);
    const sentences = labelled("relation", "seq_relationship_logits", "next_sentence_label")(reading);
    return tokens && sentences && add(tokens, sentences);
  },
};

const orderedPretraining: EncoderClass = {
  inputs: ["labels", "sentence_order_label"],
  read(reading) {
    const tokens = labelled("words", "prediction_logits")(reading);
    const order = labelled("order", "sop_logits", "sentence_order_label")(reading);
    return tokens && order && add(tokens, order);
  },
};

/** One score for each token, whether it was replaced; its loss is over real tokens only. */
const replaced: EncoderClass = {
  inputs: ["labels"],
  read(reading) {
    const { golden, watch } = reading;
    const scores = headOf(reading, "replaced");
    const logits = reshape(scores, scores.shape.slice(0, -1));
    watch("logits", logits);
    const [labels, mask] = ["labels", "attention_mask"].map((name) => golden.inputs.get(name));
    if (!labels) return undefined;
    const losses = binaryCrossEntropy(logits, cast(int32(labels), "float32"), { reduction: "none" });
    if (!mask) return mean(losses);
    const isReal = float32(mask);
    return divide(sum(multiply(losses, isReal)), sum(isReal));
  },
};

const nextSentence: EncoderClass = { inputs: ["labels"], read: labelled("relation") };
const classes: EncoderClass = { inputs: ["labels"], read: readClasses };
const tags: EncoderClass = { inputs: ["labels"], read: labelled("tags") };
const span: EncoderClass = { inputs: ["start_positions", "end_positions"], read: readSpan };
const choice: EncoderClass = { inputs: ["labels"], read: readChoice };

/** Classes that several families have, by the beginning of their names. */
const classesOf = (name: string): Readonly<Record<string, EncoderClass>> => ({
  [`${name}Model`]: states,
  [`${name}ForMaskedLM`]: words,
  [`${name}ForSequenceClassification`]: classes,
  [`${name}ForTokenClassification`]: tags,
  [`${name}ForQuestionAnswering`]: span,
  [`${name}ForMultipleChoice`]: choice,
});

const encoderClasses: Readonly<Record<string, EncoderClass>> = {
  ...Object.assign(
    {},
    ...["Albert", "Bert", "Camembert", "DistilBert", "Electra", "Roberta", "XLMRoberta"].map(classesOf),
  ),
  AlbertForPreTraining: orderedPretraining,
  BertForNextSentencePrediction: nextSentence,
  BertForPreTraining: pretraining,
  BertLMHeadModel: nextToken,
  CamembertForCausalLM: nextToken,
  MT5ForTokenClassification: tags,
  T5ForTokenClassification: tags,
  ElectraForCausalLM: nextToken,
  ElectraForPreTraining: replaced,
  RobertaForCausalLM: nextToken,
  XLMRobertaForCausalLM: nextToken,
};

/** Runners of encoders with heads, by class. */
export const encoderModels: Readonly<Record<string, { readonly forward: Runner }>> = Object.fromEntries(
  Object.entries(encoderClasses).map(([name, encoderClass]) => [name, { forward: encoderForward(encoderClass) }]),
);

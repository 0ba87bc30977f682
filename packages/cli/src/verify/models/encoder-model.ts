import type { Mask } from "@heed/attention";
import { type EncoderModel, type EncoderOutputs, isEncoderModel, type Pretrained } from "@heed/models";
import { binaryCrossEntropy, meanSquaredError } from "@heed/objectives";
import {
  add,
  cast,
  crossEntropy,
  divide,
  fromArray,
  minimum,
  multiply,
  reshape,
  slice,
  sum,
  type Tensor,
} from "@heed/tensor";
import { badInput } from "../../errors.ts";
import type { GoldenArray, GoldenCase } from "../golden.ts";
import { forwardRunner, type Watch } from "../model-forward.ts";
import type { Runner } from "../runners.ts";
import { int32, tokensOf } from "../support.ts";

/** The encoder of a pretrained model. */
export function encoderModelOf({ model, modelType }: Pretrained): EncoderModel {
  if (isEncoderModel(model)) return model;
  throw badInput(`verify: model_type ${modelType} is no encoder with heads, expected one for this case`);
}

/** [B, C, T] -> [B C, T], choices as rows; others as they are. */
const flat = (x: Tensor): Tensor => (x.shape.length === 3 ? reshape(x, [x.shape[0]! * x.shape[1]!, x.shape[2]!]) : x);

/** An attention mask [B, T] hides keys; [B, T, S] says who sees whom. */
function visibility(tokens: Tensor, attentionMask: GoldenArray | undefined): { padding?: Tensor; mask?: Mask } {
  if (!attentionMask) return {};
  const seen = cast(int32(attentionMask), "bool");
  if (tokens.shape.length === 3 || seen.shape.length === 2) return { padding: flat(seen) };
  const [B, T, S] = seen.shape as [number, number, number];
  return { mask: () => reshape(seen, [B, 1, T, S]) };
}

/** One number of each token, [B, T, 1] -> [B, T]. */
const squeezed = (x: Tensor): Tensor => reshape(x, x.shape.slice(0, -1));

/** Column c of [B, T, C] -> [B, T]. */
const column = (x: Tensor, c: number): Tensor => squeezed(slice(x, [0, 0, c], [x.shape[0]!, x.shape[1]!, 1]));

/** What the heads found, under the names of the originals' outputs. */
function watchOutputs(outputs: EncoderOutputs, choices: number | undefined, watch: Watch): void {
  const { states, pooled, words, relation, order, classes, tags, span, choice, replaced } = outputs;
  watch("last_hidden_state", states);
  if (pooled) watch("pooler_output", pooled);
  if (words) watch(relation || order ? "prediction_logits" : "logits", words);
  if (relation) watch(words ? "seq_relationship_logits" : "logits", relation);
  if (order) watch("sop_logits", order);
  const logits =
    classes ??
    tags ??
    (replaced && squeezed(replaced)) ??
    (choice && reshape(choice, [choice.size / choices!, choices!]));
  if (logits) watch("logits", logits);
  if (span) {
    watch("start_logits", column(span, 0));
    watch("end_logits", column(span, 1));
  }
}

const byLabel = (logits: Tensor, labels: GoldenArray): Tensor =>
  crossEntropy(logits, int32(labels), { ignoreIndex: -100 });

/** Scores of whole texts: numbers by squares, single labels by cross-entropy, several at once by coins. */
function classesLoss(pretrained: Pretrained, logits: Tensor, labels: GoldenArray): Tensor {
  const named = pretrained.origin?.config["problem_type"];
  const [, numLabels] = logits.shape as [number, number];
  const isWhole = Array.from(labels.values).every(Number.isInteger) && labels.shape.length === 1;
  const kind =
    typeof named === "string"
      ? named
      : numLabels === 1
        ? "regression"
        : isWhole
          ? "single_label_classification"
          : "multi_label_classification";
  if (kind === "single_label_classification") return byLabel(logits, labels);
  const targets = fromArray(Array.from(labels.values), logits.shape, { dtype: "float32" });
  return kind === "regression" ? meanSquaredError(logits, targets) : binaryCrossEntropy(logits, targets);
}

/** Mean loss of start and end; places behind the sequence do not count. */
function spanLoss(span: Tensor, start: GoldenArray, end: GoldenArray): Tensor {
  const T = span.shape[1]!;
  const loss = (c: number, places: GoldenArray) =>
    crossEntropy(column(span, c), minimum(int32(places), T), { ignoreIndex: T });
  return divide(add(loss(0, start), loss(1, end)), 2);
}

/** Over real tokens only. */
function replacedLoss(replaced: Tensor, labels: GoldenArray, attentionMask: GoldenArray | undefined): Tensor {
  const losses = binaryCrossEntropy(squeezed(replaced), cast(int32(labels), "float32"), { reduction: "none" });
  const isReal = attentionMask ? cast(int32(attentionMask), "float32") : undefined;
  if (!isReal) return divide(sum(losses), losses.size);
  return divide(sum(multiply(losses, isReal)), sum(isReal));
}

function lossOf(pretrained: Pretrained, outputs: EncoderOutputs, golden: GoldenCase): Tensor | undefined {
  const input = (name: string): GoldenArray | undefined => golden.inputs.get(name);
  const { words, relation, order, classes, tags, span, choice, replaced } = outputs;
  const labels = input("labels");
  const [start, end] = [input("start_positions"), input("end_positions")];
  if (span) return start && end && spanLoss(span, start, end);
  const pair = relation ?? order;
  const pairLabel = input("next_sentence_label") ?? input("sentence_order_label");
  if (words && pair) return labels && pairLabel && add(byLabel(words, labels), byLabel(pair, pairLabel));
  if (!labels) return undefined;
  if (classes) return classesLoss(pretrained, classes, labels);
  if (replaced) return replacedLoss(replaced, labels, input("attention_mask"));
  if (choice) return byLabel(reshape(choice, [labels.shape[0]!, choice.size / labels.shape[0]!]), labels);
  const logits = words ?? pair ?? tags;
  return logits && byLabel(logits, labels);
}

/** The forward pass of encoders with heads: BERT and its relatives. */
export function encoderModelForward(): Runner {
  const compute = (pretrained: Pretrained, golden: GoldenCase, watch: Watch): Tensor | undefined => {
    const { inputs, outputs: expected } = golden;
    const model = encoderModelOf(pretrained);
    const tokens = tokensOf(model.vocabSize, golden);
    const [segments, positions] = ["token_type_ids", "position_ids"].map((name) => inputs.get(name));
    const watchesAttention = [...expected.keys()].some((name) => name.startsWith("attentions."));
    const outputs = model.forward(flat(tokens), {
      ...visibility(tokens, inputs.get("attention_mask")),
      ...(segments && model.encoder.embedding.segments && { segments: flat(int32(segments)) }),
      ...(positions && { positions: flat(int32(positions)) }),
      observe: {
        hiddenState: (index, x) => watch(`hidden_states.${index}`, x),
        ...(watchesAttention && {
          attention: (layer: number, { probs }: { probs: Tensor }) => watch(`attentions.${layer}`, probs),
        }),
      },
    });
    watchOutputs(outputs, tokens.shape.length === 3 ? tokens.shape[1] : undefined, watch);
    return lossOf(pretrained, outputs, golden);
  };
  const inputs = [
    ...["input_ids", "attention_mask", "token_type_ids", "position_ids", "labels", "next_sentence_label"],
    ...["sentence_order_label", "start_positions", "end_positions"],
  ];
  return forwardRunner({ inputs, compute });
}

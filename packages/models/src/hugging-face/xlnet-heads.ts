import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import type { HeadConfig } from "../states-head.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { WeightRow } from "./family.ts";
import { headRows } from "./head-rows.ts";
import { labelNames } from "./label-names.ts";

/** A head as a class of XLNet has it. */
interface XlnetHead {
  readonly className: string;
  /** where its layers stand in files */
  readonly rows: Readonly<Partial<Record<"dense" | "out", string>>>;
  readonly config: (read: ConfigReader, dModel: number) => HeadConfig;
}

/** Which state is the summary. Nobody names the place of "cls_index" here, which then is the last too. */
const summaries = { last: "last", first: "first", mean: "mean", cls_index: "last" } as const;

/** The layer of the summary, or none. */
function readProjection(read: ConfigReader, dModel: number): Pick<HeadConfig, "dense"> {
  const given = read.get("summary_activation");
  const isNone = given === null || given === "";
  const activation = isNone ? "linear" : read.choice("summary_activation", activationNames, "tanh");
  read.only("summary_proj_to_labels", false, null);
  if (read.boolean("summary_use_proj", true)) return { dense: { dOut: dModel, activation } };
  if (activation !== "linear") read.refuse("summary_use_proj", "true where there is a summary_activation", false);
  return {};
}

function readSummary(read: ConfigReader, dModel: number): HeadConfig {
  const names = Object.keys(summaries) as (keyof typeof summaries)[];
  return {
    tokens: summaries[read.choice("summary_type", names, "last")],
    dropoutBefore: read.number("summary_first_dropout", 0, 0, 1),
    ...readProjection(read, dModel),
    dropout: read.number("summary_last_dropout", 0.1, 0, 1),
    out: read.labels(),
  };
}

function readSpan(read: ConfigReader): HeadConfig {
  const numLabels = read.labels();
  return numLabels === 2
    ? { tokens: "each", out: 2 }
    : read.refuse("num_labels", "2, the ends of an answer", numLabels);
}

/** Heads by the names that they have here. */
const heads: Readonly<Record<string, XlnetHead>> = {
  classes: {
    className: "XLNetForSequenceClassification",
    rows: { dense: "sequence_summary.summary", out: "logits_proj" },
    config: readSummary,
  },
  tags: {
    className: "XLNetForTokenClassification",
    rows: { out: "classifier" },
    config: (read) => ({ tokens: "each", out: read.labels() }),
  },
  span: { className: "XLNetForQuestionAnsweringSimple", rows: { out: "qa_outputs" }, config: readSpan },
};

/** The classes that have one of these heads. */
export const xlnetHeadClasses: readonly string[] = Object.values(heads).map(({ className }) => className);

/** The head of a class, by its name here; undefined for a class of another kind. */
export function readXlnetHeads(
  read: ConfigReader,
  architecture: string,
  dModel: number,
): Readonly<Record<string, HeadConfig>> | undefined {
  const found = Object.entries(heads).find(([, { className }]) => className === architecture);
  return found && { [found[0]]: found[1].config(read, dModel) };
}

/** The keys of config.json that say what the head of a class is. */
export function writeXlnetHeads(configs: Readonly<Record<string, HeadConfig>>): JsonObject {
  const [[name, head] = []] = Object.entries(configs);
  if (name === undefined || head === undefined || !Object.hasOwn(heads, name))
    throw new RangeError(
      `savePretrained: heads of xlnet are of no class, expected one of ${Object.keys(heads).join(", ")}, got ${name ?? "none"}. Name the head as they do`,
    );
  return {
    architectures: [heads[name]!.className],
    ...(name === "classes" && {
      // Python takes "" for none, and no null.
      summary_activation: head.dense && head.dense.activation !== "linear" ? head.dense.activation : "",
      ...(head.dropoutBefore && { summary_first_dropout: head.dropoutBefore }),
      summary_last_dropout: head.dropout ?? 0,
      summary_type: head.tokens,
      summary_use_proj: head.dense !== undefined,
    }),
    ...labelNames(head.out as number),
  };
}

/** Names of all weights of heads. */
export const xlnetHeadRows: readonly WeightRow[] = headRows(
  Object.fromEntries(Object.entries(heads).map(([name, { rows }]) => [name, rows])),
);

import {
  answerSpan,
  multiLabel,
  multipleChoice,
  nextSentencePrediction,
  type Objective,
  regression,
  retrieval,
  sentenceOrderPrediction,
  sentencePair,
  sequenceClassification,
  type TextInputs,
  tokenClassification,
} from "@heed/objectives";
import { mean, permute, reshape, slice, type Tensor } from "@heed/tensor";
import { B, batchOf, head, type MatrixObjective, maskOf, rowsOf, sentence, special } from "../batch.ts";
import { sizes } from "../tiny-model.ts";

const length = 10;
const template = { ...special, length };
const classes = { ...template, numClasses: 3 };

/** What a head says, from the states of all places of all rows. */
type Say<Output> = (states: Tensor, output: (x: Tensor) => Tensor) => Output;

/** Reads rows of a template, of which some places are padding that nobody sees, and says something through one head. */
function onRows<Source, E extends TextInputs, Output>(
  objective: Objective<Source, E, Output>,
  source: (row: number) => Source,
  { dOut, rows = B, say }: { readonly dOut: number; readonly rows?: number; readonly say: Say<Output> },
): MatrixObjective {
  return {
    mask: "full, padding hidden",
    needsLater: true,
    hidesLater: false,
    start(weight, rng) {
      const output = head(weight, dOut);
      const example = batchOf(objective as never, source as never, rng) as E;
      return {
        heads: { output },
        loss(model, noise) {
          const x = model.embed(rowsOf(example.inputs, rows), rowsOf(example.segments, rows));
          const states = model.encode(x, maskOf(objective, example), noise);
          return objective.loss(
            say(states, (state) => output.forward(state)),
            example,
          );
        },
      };
    },
  };
}

/** The state of the class place. */
const first = (states: Tensor): Tensor => {
  const [rows, , E] = states.shape as [number, number, number];
  return reshape(slice(states, [0, 0, 0], [rows, 1, E]), [rows, E]);
};
const ofClass: Say<Tensor> = (states, output) => output(first(states));
const ofPlaces: Say<Tensor> = (states, output) => output(states);

/** Start and end logits, [B, T] each, from two numbers a place. */
const spans: Say<{ readonly start: Tensor; readonly end: Tensor }> = (states, output) => {
  const [B_, T] = states.shape as [number, number, number];
  const both = permute(output(states), [2, 0, 1]);
  const one = (i: number): Tensor => reshape(slice(both, [i, 0, 0], [1, B_, T]), [B_, T]);
  return { start: one(0), end: one(1) };
};

/** Rows take turns: a query, its passage. */
const pairs: Say<{ readonly queries: Tensor; readonly passages: Tensor }> = (states, output) => {
  const E = sizes.dModel;
  const both = permute(reshape(output(first(states)), [B, 2, E]), [1, 0, 2]);
  const one = (i: number): Tensor => reshape(slice(both, [i, 0, 0], [1, B, E]), [B, E]);
  return { queries: one(0), passages: one(1) };
};

const documents = [0, 1].map((document) => [0, 1, 2].map((i) => sentence(3, 3 * document + i)));

/** Objectives on one text, or two. */
export const textObjectives: Readonly<Record<string, MatrixObjective>> = {
  "next sentence": onRows(nextSentencePrediction(template), (row) => ({ documents, document: row, sentence: 0 }), {
    dOut: 2,
    say: ofClass,
  }),
  "sentence order": onRows(
    sentenceOrderPrediction(template),
    (row) => ({ first: sentence(3, row), second: sentence(3, row + 2) }),
    { dOut: 2, say: ofClass },
  ),
  "sequence classification": onRows(
    sequenceClassification(classes),
    (row) => ({ tokens: sentence(5 + row, row), label: row }),
    { dOut: 3, say: ofClass },
  ),
  "sentence pair": onRows(
    sentencePair(classes),
    (row) => ({ first: sentence(3, row), second: sentence(2 + row, row + 1), label: row }),
    { dOut: 3, say: ofClass },
  ),
  "token classification": onRows(
    tokenClassification(classes),
    (row) => ({ tokens: sentence(5, row), labels: Int32Array.of(0, 1, 2, 0, row) }),
    { dOut: 3, say: ofPlaces },
  ),
  "multi-label": onRows(
    multiLabel({ ...template, numLabels: 3 }),
    (row) => ({ tokens: sentence(5, row), labels: [row] }),
    {
      dOut: 3,
      say: ofClass,
    },
  ),
  regression: onRows(regression(template), (row) => ({ tokens: sentence(5, row), values: [row - 0.5] }), {
    dOut: 1,
    say: ofClass,
  }),
  "answer span": onRows(
    answerSpan(template),
    (row) => ({ question: sentence(2, row), context: sentence(5, row + 1), answer: { first: row, last: row + 1 } }),
    { dOut: 2, say: spans },
  ),
  "multiple choice": onRows(
    multipleChoice({ ...template, numChoices: 2 }),
    (row) => ({ question: sentence(2, row), choices: [sentence(3, row), sentence(3, row + 1)], label: row }),
    { dOut: 1, rows: 2 * B, say: (states, output) => reshape(output(mean(states, { axes: 1 })), [B, 2]) },
  ),
  retrieval: onRows(retrieval(template), (row) => ({ query: sentence(3, row), passage: sentence(5, row + 1) }), {
    dOut: sizes.dModel,
    rows: 2 * B,
    say: pairs,
  }),
};

/**
 * A training step of BERT with masked tokens, whose head over the vocabulary reads every place or the masked places alone:
 * both sides in turns, and how many times as fast the second is.
 *
 * `node --conditions=@heed/source tooling/bench/src/masked-places.ts [threads]`
 */
import { type BertConfig, bert } from "@heed/models";
import { parameters } from "@heed/nn";
import { countedPlaces, maskedLM, stackExamples } from "@heed/objectives";
import {
  createWasmBackend,
  dispose,
  fromArray,
  item,
  rng,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { median } from "./statistics.ts";

/** Those of the recipe: 2,048 tokens a batch, a seventh of them masked. */
const config: BertConfig = {
  ...{ vocabSize: 4000, maxSeqLen: 32, dModel: 128, numLayers: 4, numHeads: 4, dFF: 512 },
  heads: { words: { tokens: "each", dense: { dOut: 128, activation: "gelu" }, norm: true, out: "vocabulary" } },
};
const [B, T, rounds, threads] = [64, 32, 15, Number(process.argv[2] ?? 1)];

const backend = createWasmBackend({ threads });
if (!backend)
  throw new RangeError("bench: WebAssembly SIMD is missing, expected an engine that has it. Use a newer Node");
useBackend(backend);

const draw = rng(1);
const model = bert(config, rng(0));
const objective = maskedLM({ vocabSize: 4000, maskId: 4, specialIds: [0, 1, 2, 3] });
const text = () => Int32Array.from({ length: T }, () => 5 + draw.nextInteger(3995));
const example = stackExamples(Array.from({ length: B }, () => objective.prepare(text(), draw)));
const counted = countedPlaces(example.lossWeights);
const tokens = fromArray(example.inputs, [B, T]);
const places = fromArray(counted, [counted.length]);

/** Loss and all gradients. */
function step(options: { readonly places?: Tensor }): { loss: number; milliseconds: number } {
  const start = performance.now();
  const { value, gradients } = valueAndGradients(
    () => objective.loss(model.forward(tokens, options).words!, example),
    parameters(model),
  );
  const loss = item(value);
  dispose([value, ...gradients]);
  return { loss, milliseconds: performance.now() - start };
}

const sides = { "every place": {}, "masked places": { places } };
const losses = Object.values(sides).map((options) => step(options).loss);
if (Math.abs(losses[0]! - losses[1]!) > 1e-4 * losses[0]!)
  throw new RangeError(`bench: the sides compute different losses, expected equal ones, got ${losses.join(" and ")}`);

const times = Array.from({ length: rounds }, () => Object.values(sides).map((options) => step(options).milliseconds));
console.log(
  `Step of BERT, ${B} x ${T} tokens, ${counted.length} masked, vocabulary 4,000, float32, WebAssembly, ${threads} threads; ${rounds} rounds in turns.\n`,
);
console.log("| head reads | fastest ms | median ms |\n| --- | ---: | ---: |");
Object.keys(sides).forEach((name, side) => {
  const own = times.map((round) => round[side]!);
  console.log(`| ${name} | ${Math.min(...own).toFixed(1)} | ${median(own).toFixed(1)} |`);
});
const [slow, fast] = [0, 1].map((side) => Math.min(...times.map((round) => round[side]!)));
const byRound = median(times.map((round) => round[0]! / round[1]!));
console.log(`\nTimes as fast: ${(slow! / fast!).toFixed(2)} by the fastest, ${byRound.toFixed(2)} by round (median).`);

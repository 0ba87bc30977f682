/** The cases that every objective must pass. A plain list: run it under any test framework. */
import {
  dataSync,
  fromArray,
  full,
  referenceBackend,
  rng,
  type Tensor,
  valueAndGradients,
  withBackend,
} from "@heed/tensor";
import type { Example, Objective } from "./objective.ts";

/** One named check; throws if it fails. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => void;
}

/** What is particular to the objective under test. */
export interface ObjectiveTraits {
  readonly vocabSize: number;
  /** share of places that count, over many sequences; exactly 1 where all do */
  readonly lossRate: number;
  /**
   * Which inputs a model may look at to predict place t: by its mask for a causal objective, all for a masked one.
   * The target itself must not be among them.
   */
  readonly readableInputs: (example: Example, t: number) => readonly number[];
}

const length = 12;

const tokensOf = (seed: number, count: number, vocabSize: number): Int32Array => {
  const source = rng(seed);
  return Int32Array.from({ length: count }, () => source.nextInteger(vocabSize));
};

function expectEqual(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (actual.length !== expected.length || Array.from(actual).some((value, i) => value !== expected[i])) {
    throw new Error(`${what}: got ${Array.from(actual).join(" ")}, expected ${Array.from(expected).join(" ")}`);
  }
}

const prepare = (objective: Objective, { vocabSize }: ObjectiveTraits, seed: number): Example =>
  objective.prepare(tokensOf(seed, objective.tokensFor(length), vocabSize), rng(seed));

const logitsOf = (V: number, value: (i: number) => number): Tensor =>
  fromArray(
    Float64Array.from({ length: length * V }, (_, i) => value(i)),
    [1, length, V],
    { dtype: "float64" },
  );

function expectLoss(what: string, loss: Tensor, expected: number): void {
  const [value] = dataSync(loss);
  if (!(Math.abs(value! - expected) <= 1e-9)) throw new Error(`${what}: loss is ${value}, expected ${expected}`);
}

function checkUniform(objective: Objective, traits: ObjectiveTraits): void {
  const logits = full([1, length, traits.vocabSize], 3, { dtype: "float64" });
  expectLoss("uniform logits", objective.loss(logits, prepare(objective, traits, 1)), Math.log(traits.vocabSize));
}

function checkPerfect(objective: Objective, traits: ObjectiveTraits): void {
  const { vocabSize: V } = traits;
  const example = prepare(objective, traits, 2);
  const right = (i: number): boolean => example.targets[Math.floor(i / V)] === i % V;
  expectLoss(
    "perfect logits",
    objective.loss(
      logitsOf(V, (i) => (right(i) ? 1000 : 0)),
      example,
    ),
    0,
  );
  const [wrong] = dataSync(
    objective.loss(
      logitsOf(V, (i) => (right(i) ? -10 : 0)),
      example,
    ),
  );
  if (!(wrong! > 5)) throw new Error(`wrong logits: loss is ${wrong}, expected more than 5`);
}

function checkIgnored(objective: Objective, traits: ObjectiveTraits): void {
  const { vocabSize: V } = traits;
  const prepared = prepare(objective, traits, 3);
  const counted = prepared.lossWeights.indexOf(1);
  const ignored = (counted + 1) % length;
  const example = { ...prepared, lossWeights: prepared.lossWeights.map((weight, i) => (i === ignored ? 0 : weight)) };
  const logits = logitsOf(V, (i) => Math.sin(i));
  const gradient = dataSync(valueAndGradients(() => objective.loss(logits, example), [logits]).gradients[0]!);
  const row = (t: number): ArrayLike<number> => gradient.slice(t * V, (t + 1) * V);
  expectEqual(`gradient of ignored place ${ignored}`, Array.from(row(ignored), Math.abs), new Array<number>(V).fill(0));
  if (Array.from(row(counted)).every((value) => value === 0))
    throw new Error(`gradient of counted place ${counted} is 0`);
  const none = { ...prepared, lossWeights: new Float32Array(length) };
  expectLoss("all places ignored", objective.loss(logits, none), 0);
}

function checkSeed(objective: Objective, traits: ObjectiveTraits): void {
  const tokens = tokensOf(4, objective.tokensFor(length), traits.vocabSize);
  const before = tokens.slice();
  const [first, second] = [objective.prepare(tokens, rng(9)), objective.prepare(tokens, rng(9))];
  for (const key of ["inputs", "targets", "lossWeights"] as const) {
    expectEqual(`${key} with the same seed`, second[key], first[key]);
    if (first[key].length !== length) throw new Error(`${key} has ${first[key].length} places, expected ${length}`);
  }
  expectEqual("tokens after prepare", tokens, before);
}

function checkRate(objective: Objective, traits: ObjectiveTraits): void {
  const { lossRate } = traits;
  let counted = 0;
  const sequences = 400;
  for (let seed = 0; seed < sequences; seed++)
    counted += prepare(objective, traits, seed).lossWeights.reduce((sum, weight) => sum + Number(weight > 0), 0);
  const places = sequences * length;
  const sigma = Math.sqrt((lossRate * (1 - lossRate)) / places);
  if (Math.abs(counted / places - lossRate) > 3 * sigma)
    throw new Error(
      `${counted} of ${places} places count, expected a share of ${lossRate} within 3 sigma (${3 * sigma})`,
    );
}

/** Tokens are all different, so a target that can be read stands out. */
function checkLeak(objective: Objective, traits: ObjectiveTraits): void {
  const tokens = Int32Array.from({ length: objective.tokensFor(length) }, (_, i) => i);
  const example = objective.prepare(tokens, rng(5));
  example.lossWeights.forEach((weight, t) => {
    if (weight > 0 && traits.readableInputs(example, t).includes(example.targets[t]!))
      throw new Error(`the target of place ${t} can be read in the input`);
  });
}

/**
 * Cases that every objective must pass, on the reference backend in float64.
 *
 * @param make builds the objective under test, for sequences of 12 places and tokens below `vocabSize`, at least 16
 * @see house style, section 10
 * @example
 * import { objectiveContract } from "@heed/objectives/testing";
 * for (const { name, run } of objectiveContract(() => causalLM(), traits)) test(name, run);
 */
export function objectiveContract(make: () => Objective, traits: ObjectiveTraits): ContractCase[] {
  const cases: Record<string, (objective: Objective, traits: ObjectiveTraits) => void> = {
    "uniform logits give ln V": checkUniform,
    "perfect logits give 0": checkPerfect,
    "ignored places get zero gradient": checkIgnored,
    "the same seed gives the same example": checkSeed,
    "as many places count as announced": checkRate,
    "no target is visible in its own input": checkLeak,
  };
  return Object.entries(cases).map(([name, check]) => ({
    name,
    run: () => withBackend(referenceBackend(), () => check(make(), traits)),
  }));
}

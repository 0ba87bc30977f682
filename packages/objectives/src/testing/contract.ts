import { dataSync, isTensor, referenceBackend, rng, type Tensor, valueAndGradients, withBackend } from "@heed/tensor";
import type { Objective } from "../objective.ts";
import { type PlainArrays, stackExamples } from "../stack-examples.ts";

/** One named check; throws if it fails. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => void;
}

/** What a model says in a check: nothing it knows, exactly what is asked for, or the opposite. */
export type Opinion = "uniform" | "perfect" | "wrong";

/** What is particular to the objective under test. */
export interface ObjectiveTraits<Source, E, Output> {
  /** an item of data from a seed */
  readonly source: (seed: number) => Source;
  /** examples of a batch; default 1 */
  readonly batchSize?: number;
  /** what a model with the opinion says of a batch, in float64; the same each time */
  readonly output: (example: E, opinion: Opinion) => Output;
  /** loss of uniform output: ln V */
  readonly uniformLoss: (example: E) => number;
  /** loss of perfect output; default 0. Label smoothing cannot reach it */
  readonly perfectLoss?: (example: E) => number;
  /** weight of each place of a batch in its loss. Output of place t is the t-th of as many equal parts of every tensor */
  readonly weights: (example: E) => ArrayLike<number>;
  /** the batch with other weights; or why no place of it can be left out */
  readonly reweigh: ((example: E, weights: Float32Array) => E) | { readonly impossible: string };
  /** share of places that count, over many sources; exactly 1 where all do */
  readonly lossRate: number;
  /** standard deviation of that share for one source; default that of independent places */
  readonly lossRateDeviation?: number;
  /** a target that the model can read where it predicts it, in words; or why nothing is hidden from it */
  readonly visibleTarget:
    | ((seed: number, prepare: (source: Source) => E) => string | undefined)
    | { readonly impossible: string };
}

interface Suite<Source, E extends PlainArrays<E>, Output> extends ObjectiveTraits<Source, E, Output> {
  readonly objective: Objective<Source, E, Output>;
  readonly prepare: (seed: number) => E;
}

const tensorsOf = (output: unknown): Tensor[] =>
  isTensor(output) ? [output] : (Object.values(output as object) as Tensor[]).filter(isTensor);

function expectEqual(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (actual.length !== expected.length || Array.from(actual).some((value, i) => value !== expected[i])) {
    throw new Error(`${what}: got ${Array.from(actual).join(" ")}, expected ${Array.from(expected).join(" ")}`);
  }
}

function expectLoss(what: string, loss: Tensor, expected: number): void {
  const [value] = dataSync(loss);
  if (!(Math.abs(value! - expected) <= 1e-9)) throw new Error(`${what}: loss is ${value}, expected ${expected}`);
}

function checkUniform<S, E extends PlainArrays<E>, O>({
  objective,
  prepare,
  output,
  uniformLoss,
}: Suite<S, E, O>): void {
  const example = prepare(1);
  expectLoss("uniform output", objective.loss(output(example, "uniform"), example), uniformLoss(example));
}

function checkPerfect<S, E extends PlainArrays<E>, O>({
  objective,
  prepare,
  output,
  perfectLoss,
}: Suite<S, E, O>): void {
  const example = prepare(2);
  const least = perfectLoss?.(example) ?? 0;
  expectLoss("perfect output", objective.loss(output(example, "perfect"), example), least);
  const [wrong] = dataSync(objective.loss(output(example, "wrong"), example));
  if (!(wrong! > least + 1)) throw new Error(`wrong output: loss is ${wrong}, expected more than ${least + 1}`);
}

function checkIgnored<S, E extends PlainArrays<E>, O>({
  objective,
  prepare,
  output,
  weights,
  reweigh,
}: Suite<S, E, O>): void {
  if (typeof reweigh !== "function") return;
  const prepared = prepare(3);
  const places = Float32Array.from(weights(prepared));
  const counted = places.findIndex((weight) => weight > 0);
  const others = [...places.keys()].filter((t) => t !== counted && places[t]! > 0);
  const ignored = others[0] ?? (counted + 1) % places.length;
  const example = reweigh(
    prepared,
    places.map((weight, t) => (t === ignored ? 0 : weight)),
  );
  const said = output(prepared, "wrong");
  const leaves = tensorsOf(said);
  const { gradients } = valueAndGradients(() => objective.loss(said, example), leaves);
  const partsOf = (t: number): number[] =>
    gradients.flatMap((gradient) => {
      const size = gradient.size / places.length;
      return Array.from(dataSync(gradient).slice(t * size, (t + 1) * size), Math.abs);
    });
  expectEqual(`gradient of ignored place ${ignored}`, partsOf(ignored), partsOf(ignored).fill(0));
  if (partsOf(counted).every((value) => value === 0))
    throw new Error(`gradient of counted place ${counted} is 0, expected another value`);
  const none = reweigh(prepared, new Float32Array(places.length));
  const all = valueAndGradients(() => objective.loss(said, none), leaves);
  expectLoss("all places ignored", all.value, 0);
  for (const gradient of all.gradients) {
    const values = Array.from(dataSync(gradient), Math.abs);
    expectEqual(
      "gradient with all places ignored",
      values,
      values.map(() => 0),
    );
  }
}

function checkSeed<S, E extends PlainArrays<E>, O>({ objective, source }: Suite<S, E, O>): void {
  const item = source(4);
  const before = JSON.stringify(item);
  const [first, second] = [objective.prepare(item, rng(9)), objective.prepare(item, rng(9))];
  for (const field of Object.keys(first) as (keyof E & string)[])
    expectEqual(`${field} with the same seed`, second[field] as ArrayLike<number>, first[field] as ArrayLike<number>);
  if (JSON.stringify(item) !== before) throw new Error("prepare changed its source, expected it as it was");
}

function checkRate<S, E extends PlainArrays<E>, O>({
  objective,
  source,
  weights,
  lossRate,
  lossRateDeviation,
}: Suite<S, E, O>): void {
  const sources = 400;
  let [counted, places] = [0, 0];
  for (let seed = 0; seed < sources; seed++) {
    const found = Array.from(weights(objective.prepare(source(seed), rng(seed))));
    counted += found.filter((weight) => weight > 0).length;
    places += found.length;
  }
  const deviation = lossRateDeviation ?? Math.sqrt((lossRate * (1 - lossRate) * sources) / places);
  const sigma = deviation / Math.sqrt(sources);
  if (!(Math.abs(counted / places - lossRate) <= 3 * sigma + 1e-12))
    throw new Error(
      `${counted} of ${places} places count, expected a share of ${lossRate} within 3 sigma (${3 * sigma})`,
    );
}

function checkLeak<S, E extends PlainArrays<E>, O>({ objective, visibleTarget }: Suite<S, E, O>): void {
  if (typeof visibleTarget !== "function") return;
  for (const seed of [5, 6, 7]) {
    const found = visibleTarget(seed, (item) => objective.prepare(item, rng(seed)));
    if (found !== undefined) throw new Error(`${found} can be read in the input`);
  }
}

/**
 * Cases that every objective must pass, on the reference backend in float64.
 *
 * @param make builds the objective under test
 * @param traits its data, what models say to it and what cannot apply; `tokenTraits` makes those of token sequences
 * @see house style, section 10
 * @example
 * import { objectiveContract, tokenTraits } from "@heed/objectives/testing";
 * const traits = tokenTraits({ length: 12, vocabSize: 16, lossRate: 1, readableInputs: ({ inputs }, t) => [...inputs.slice(0, t + 1)] });
 * for (const { name, run } of objectiveContract(() => causalLM(), traits)) test(name, run);
 */
export function objectiveContract<Source, E extends PlainArrays<E>, Output>(
  make: () => Objective<Source, E, Output>,
  traits: ObjectiveTraits<Source, E, Output>,
): ContractCase[] {
  const cases: Record<string, (suite: Suite<Source, E, Output>) => void> = {
    "uniform logits give ln V": checkUniform,
    "perfect logits give 0": checkPerfect,
    "ignored places get zero gradient": checkIgnored,
    "the same seed gives the same example": checkSeed,
    "as many places count as announced": checkRate,
    "no target is visible in its own input": checkLeak,
  };
  const suite = (): Suite<Source, E, Output> => {
    const objective = make();
    const one = (seed: number): E => objective.prepare(traits.source(seed), rng(seed));
    const prepare = (seed: number): E =>
      stackExamples(Array.from({ length: traits.batchSize ?? 1 }, (_, i) => one(100 * seed + i)));
    return { ...traits, objective, prepare };
  };
  return Object.entries(cases).map(([name, check]) => ({
    name,
    run: () => withBackend(referenceBackend(), () => check(suite())),
  }));
}

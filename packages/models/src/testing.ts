/** The cases that every language model must pass. A plain list: run it under any test framework. */
import { countParameters, loadStateDict, parameters, stateDict } from "@heed/nn";
import {
  assign,
  type Backend,
  createMetaBackend,
  crossEntropy,
  dataSync,
  dispose,
  formatShape,
  fromArray,
  item,
  type Kernel,
  multiply,
  type Rng,
  rng,
  scope,
  subtract,
  type Tensor,
  valueAndGradients,
  withBackend,
} from "@heed/tensor";

/** One named check; throws if it fails. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => void;
}

/** A model that gives logits for every token. */
export interface LanguageModel {
  forward(tokens: Tensor, options?: { readonly rng?: Rng }): Tensor;
}

/** What is particular to the model under test. */
export interface ModelTraits {
  /** a tiny model with dropout, weights from the generator given */
  readonly make: (rng: Rng) => LanguageModel;
  readonly vocabSize: number;
  /** of the tiny model, at least 8 */
  readonly maxSeqLen: number;
  /** every preset, built under a backend without memory, with its published number of parameters */
  readonly presets: Readonly<Record<string, { readonly build: () => object; readonly numParameters: number }>>;
  /** step of plain gradient descent that learns the batch; default 0.3 */
  readonly learningRate?: number;
  /** how far the first loss may be from ln V, where the paper's first weights give no flat logits; default 0.25 */
  readonly initialLossMargin?: number;
}

const batchSize = 2;

function checkPresets({ presets }: ModelTraits): void {
  for (const [name, { build, numParameters }] of Object.entries(presets)) {
    const count = withBackend(createMetaBackend(), () => scope(() => countParameters(build())));
    if (count !== numParameters)
      throw new Error(`preset ${name} has ${count} parameters, published are ${numParameters}`);
  }
}

/** Sequences in which each token follows from the one before. */
function makeBatch({ vocabSize }: ModelTraits): { tokens: Tensor; targets: Tensor } {
  const length = 8;
  const ids = (shift: number): Int32Array =>
    Int32Array.from(
      { length: batchSize * length },
      (_, i) => (((i % length) + shift) * (Math.floor(i / length) + 3)) % vocabSize,
    );
  return { tokens: fromArray(ids(0), [batchSize, length]), targets: fromArray(ids(1), [batchSize, length]) };
}

const lossOf = (model: LanguageModel, { tokens, targets }: ReturnType<typeof makeBatch>, source?: Rng): Tensor =>
  crossEntropy(model.forward(tokens, source ? { rng: source } : {}), targets);

const numberOf = (f: () => Tensor): number => scope(() => item(f()));

function checkInitialLoss(traits: ModelTraits): void {
  const model = traits.make(rng(1));
  const loss = numberOf(() => lossOf(model, makeBatch(traits)));
  const expected = Math.log(traits.vocabSize);
  if (!(Math.abs(loss - expected) < (traits.initialLossMargin ?? 0.25)))
    throw new Error(`initial loss is ${loss}, expected about ln V = ${expected}`);
}

/** One step of plain gradient descent; returns the loss before it. */
function descend(model: LanguageModel, batch: ReturnType<typeof makeBatch>, rate: number, source?: Rng): number {
  const weights = parameters(model);
  const { value, gradients } = valueAndGradients(() => lossOf(model, batch, source), weights);
  scope(() => weights.forEach((weight, i) => assign(weight, subtract(weight, multiply(gradients[i]!, rate)))));
  const loss = item(value);
  dispose([value, gradients]);
  return loss;
}

function checkOverfit(traits: ModelTraits): void {
  const model = traits.make(rng(2));
  const batch = makeBatch(traits);
  let loss = Infinity;
  for (let step = 0; step < 300 && loss > 0.1; step++) loss = descend(model, batch, traits.learningRate ?? 0.3);
  if (!(loss <= 0.1)) throw new Error(`loss of one batch after 300 steps is ${loss}, expected at most 0.1`);
}

function checkRng(traits: ModelTraits): void {
  const model = traits.make(rng(3));
  const batch = makeBatch(traits);
  const loss = (source?: Rng): number => numberOf(() => lossOf(model, batch, source));
  if (loss() !== loss()) throw new Error("two calls without rng differ, expected no dropout");
  if (loss(rng(4)) !== loss(rng(4))) throw new Error("two calls with the same rng differ, expected the same dropout");
  if (loss(rng(4)) === loss(rng(5)) || loss(rng(4)) === loss())
    throw new Error("calls with different rng, or with and without, are equal, expected dropout");
  if (!Number.isFinite(descend(model, batch, 0.01, rng(6))))
    throw new Error("a training step with dropout gives no finite loss");
}

function checkSave(traits: ModelTraits): void {
  const [from, to] = [traits.make(rng(7)), traits.make(rng(8))];
  const batch = makeBatch(traits);
  descend(from, batch, 0.1);
  loadStateDict(to, stateDict(from));
  const [before, after] = [from, to].map((model) => Array.from(dataSync(model.forward(batch.tokens))));
  if (before!.some((value, i) => value !== after![i]))
    throw new Error("logits after loading the weights of another model differ from its own");
}

function checkVocabulary({ make, vocabSize, maxSeqLen }: ModelTraits): void {
  const model = make(rng(9));
  const refuses = (what: string, tokens: Tensor): void => {
    try {
      model.forward(tokens);
    } catch (error) {
      if (error instanceof RangeError) return;
      throw error;
    }
    throw new Error(`${what} is accepted, expected a RangeError`);
  };
  refuses("a token outside the vocabulary", fromArray(Int32Array.of(vocabSize), [1, 1]));
  refuses("a sequence longer than maxSeqLen", fromArray(new Int32Array(maxSeqLen + 1), [1, maxSeqLen + 1]));
}

/**
 * Names and shapes of the kernels that one forward and backward pass of the tiny model runs, in order, found without
 * computing: `add [2, 3] [3] -> [2, 3]`.
 *
 * What only shares memory (a reshape) does not appear. A change that should not change what is computed leaves it as it is.
 */
export function traceModel(traits: ModelTraits): string[] {
  const trace: string[] = [];
  const shapes = (operands: Parameters<Kernel>[1]): string =>
    operands.map((x) => (x ? formatShape(x.shape) : "-")).join(" ");
  const record =
    (name: string): Kernel =>
    (inputs, outputs) =>
      void trace.push(`${name} ${shapes(inputs)} -> ${shapes(outputs)}`);
  const kernels: Backend["kernels"] = new Proxy<Record<string, Kernel>>({}, { get: (_, name) => record(String(name)) });
  withBackend({ ...createMetaBackend(), kernels }, () =>
    scope(() => {
      const model = traits.make(rng(0));
      const batch = makeBatch(traits);
      trace.length = 0;
      valueAndGradients(() => lossOf(model, batch), parameters(model));
    }),
  );
  return trace;
}

/**
 * Cases that every language model must pass, on the current backend.
 *
 * @see house style, section 10. The op trace is compared by the test itself: see `traceModel`.
 * @example
 * import { modelContract } from "@heed/models/testing";
 * for (const { name, run } of modelContract(traits)) test(name, run);
 */
export function modelContract(traits: ModelTraits): ContractCase[] {
  const cases: Record<string, (traits: ModelTraits) => void> = {
    "presets have the published number of parameters": checkPresets,
    "initial loss is near ln V": checkInitialLoss,
    "overfits one batch": checkOverfit,
    "drops only with rng, by its seed": checkRng,
    "loading weights gives the same logits": checkSave,
    "refuses tokens and sequences it does not know": checkVocabulary,
  };
  return Object.entries(cases).map(([name, check]) => ({ name, run: () => check(traits) }));
}

import { gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { causalLM } from "@heed/objectives";
import { adamW } from "@heed/optim";
import {
  type Backend,
  countBuffers,
  data,
  dispose,
  fromArray,
  rng,
  scope,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";

/** What 50 steps of a small GPT left behind. */
export interface TrainingReport {
  readonly losses: readonly number[];
  /** kernels that did not run on the backend itself: `${op}:${kernel}` */
  readonly elsewhere: readonly string[];
  /** live tensors of the backend after the 5th step and after the last */
  readonly tensors: readonly [number, number];
  /** live textures or buffers of the device after the 5th step and after the last */
  readonly deviceObjects: readonly [number, number];
}

const [vocabSize, context, batch, steps] = [31, 16, 4, 50];

/** Trains on rows of a fixed pattern with a little noise; everything comes from one seed. */
export async function train(backend: Backend, countObjects: () => number): Promise<TrainingReport> {
  const before = useBackend(backend);
  backend.resetReport();
  const model = gpt2({ vocabSize, maxSeqLen: context, dModel: 32, numLayers: 2, numHeads: 4 }, rng(7));
  const optimizer = adamW({ parameters: parameters(model), learningRate: 3e-3 });
  const objective = causalLM();
  const losses: number[] = [];
  const counts: [number, number][] = [];
  for (let step = 0; step < steps; step++) {
    const tokens = Int32Array.from(
      { length: batch * (context + 1) },
      (_, i) => (i * (3 + (step % 4)) + (i >> 2)) % vocabSize,
    );
    const row = (first: number) =>
      Int32Array.from(
        { length: batch * context },
        (_, i) => tokens[Math.floor(i / context) * (context + 1) + (i % context) + first]!,
      );
    const example = { inputs: row(0), targets: row(1), lossWeights: new Float32Array(batch * context).fill(1) };
    const loss = scope(() => {
      const inputs = fromArray(example.inputs, [batch, context]);
      const found = valueAndGradients(() => objective.loss(model.forward(inputs), example), optimizer.parameters);
      optimizer.step(found.gradients);
      return found.value;
    });
    losses.push((await data(loss))[0]!);
    dispose(loss);
    if (step === 4 || step === steps - 1) counts.push([countBuffers(backend).buffers, countObjects()]);
  }
  dispose(model);
  if (before) useBackend(before);
  return {
    losses,
    elsewhere: backend
      .report()
      .filter(({ kernel }) => kernel !== backend.name && kernel !== `${backend.name} wgsl`)
      .map(({ op, kernel }) => `${op}:${kernel}`),
    tensors: [counts[0]![0], counts[1]![0]],
    deviceObjects: [counts[0]![1], counts[1]![1]],
  };
}

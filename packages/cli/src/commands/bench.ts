import { type Decoder, gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW } from "@heed/optim";
import { crossEntropy, dispose, fromArray, item, matmul, normal, rng, scope, valueAndGradients } from "@heed/tensor";
import { generate, greedy } from "@heed/train";
import { Command } from "commander";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { wholeNumber } from "../numbers.ts";

interface BenchFlags {
  readonly rounds: number;
  readonly threads?: number;
}

/** One figure: the fastest of several rounds, as the machine has other work. */
interface Figure {
  readonly name: string;
  readonly milliseconds: number;
  /** what one run does, in the unit */
  readonly amount: number;
  readonly unit: string;
}

/** `bench`: what this machine reaches. */
export function benchCommand(context: Context): Command {
  return new Command("bench")
    .description("Measure this machine: matrix products, a training step, decoding.")
    .option("--rounds <n>", "rounds of which the fastest counts", wholeNumber(1, 1000), 5)
    .option("--threads <n>", "threads to compute with (default: as many as the machine has)", wholeNumber(1, 64))
    .action((flags: BenchFlags) => run(context, flags));
}

async function run({ output }: Context, { rounds, threads }: BenchFlags): Promise<void> {
  const backend = chooseBackend(threads);
  output.line(`backend ${backend.name}, ${backend.capabilities().threads} threads, fastest of ${rounds} rounds`);
  for await (const { name, milliseconds, amount, unit } of figures(rounds)) {
    const rate = amount / (milliseconds / 1000);
    output.event({ event: "figure", name, milliseconds, rate, unit });
    output.line(
      `${name.padEnd(52)} ${milliseconds.toFixed(2).padStart(9)} ms  ${rate.toPrecision(3).padStart(8)} ${unit}/s`,
    );
  }
}

async function* figures(rounds: number): AsyncGenerator<Figure> {
  for (const [M, K, N] of [
    [512, 512, 512],
    [2048, 128, 512],
  ] as const)
    yield await matmulFigure(M, K, N, rounds);
  yield await stepFigure(rounds);
  yield await decodeFigure(rounds);
}

async function fastest(rounds: number, body: () => void | Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= rounds; round++) {
    const started = performance.now();
    await body();
    if (round > 0) best = Math.min(best, performance.now() - started);
  }
  return best;
}

async function matmulFigure(M: number, K: number, N: number, rounds: number): Promise<Figure> {
  const [a, b] = [normal([M, K], { rng: rng(1) }), normal([K, N], { rng: rng(2) })];
  const milliseconds = await fastest(rounds, () => matmul(a, b).dispose());
  dispose([a, b]);
  return { name: `matmul ${M} x ${K} x ${N}`, milliseconds, amount: (2 * M * K * N) / 1e9, unit: "GFLOP" };
}

const sizes = { vocabSize: 65, maxSeqLen: 128, dModel: 128, numLayers: 4, numHeads: 4 };

const randomTokens = (count: number): Int32Array => {
  const draw = rng(3);
  return Int32Array.from({ length: count }, () => draw.nextInteger(sizes.vocabSize));
};

async function stepFigure(rounds: number): Promise<Figure> {
  const model: Decoder = gpt2(sizes, rng(0));
  const optimizer = adamW({ parameters: parameters(model), learningRate: 1e-3 });
  const [B, T] = [16, sizes.maxSeqLen];
  const [inputs, targets] = [fromArray(randomTokens(B * T), [B, T]), fromArray(randomTokens(B * T), [B, T])];
  const milliseconds = await fastest(rounds, () =>
    scope(() => {
      const { value, gradients } = valueAndGradients(
        () => crossEntropy(model.forward(inputs), targets),
        optimizer.parameters,
      );
      optimizer.step(gradients);
      item(value);
    }),
  );
  dispose([model, optimizer.state(), inputs, targets]);
  return { name: "training step, 4 layers, width 128, 16 x 128 tokens", milliseconds, amount: B * T, unit: "tokens" };
}

async function decodeFigure(rounds: number): Promise<Figure> {
  const model = gpt2({ ...sizes, vocabSize: 50257, dModel: 768, numLayers: 12, numHeads: 12, maxSeqLen: 256 }, rng(0));
  const count = 8;
  const milliseconds = await fastest(Math.min(rounds, 3), async () => {
    for await (const _ of generate({ model, prompts: [randomTokens(16)], maxNewTokens: count, sampler: greedy() }));
  });
  dispose(model);
  return { name: "16 prompt tokens and 8 more, GPT-2 small", milliseconds, amount: count, unit: "tokens" };
}

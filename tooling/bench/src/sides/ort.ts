/** ONNX Runtime Web's wasm provider on the graph of onnx/gpt.ts. */
import * as ort from "onnxruntime-web";
import { type GptShape, makeWeights } from "../gpt.ts";
import { gptModel, packWeights, pastName, presentName, WEIGHTS_FILE } from "../onnx/gpt.ts";
import { modelBytes } from "../onnx/model.ts";
import { type Job, type Task, unsupported, WEIGHT_SEED } from "../task.ts";
import { greedyToken, promptTokens, sampleOfLogits } from "./generation.ts";
import { setOrtFiles } from "./ort-files.ts";
import { packageVersion } from "./package-version.ts";

type Outputs = ort.InferenceSession.OnnxValueMapType;

async function openSession(shape: GptShape): Promise<ort.InferenceSession> {
  const { places, bytes } = packWeights(makeWeights(shape, WEIGHT_SEED));
  return ort.InferenceSession.create(modelBytes(gptModel(shape, places)), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    externalData: [{ path: WEIGHTS_FILE, data: bytes }],
  });
}

/** One pass over `tokens`, which stand after `start` cached ones. */
function forward(
  session: ort.InferenceSession,
  shape: GptShape,
  tokens: Int32Array,
  start: number,
  before?: Outputs,
): Promise<Outputs> {
  const { numLayers, numHeads, dModel } = shape;
  const T = tokens.length;
  const feeds: Record<string, ort.Tensor> = {
    tokens: new ort.Tensor("int32", tokens, [1, T]),
    positions: new ort.Tensor(
      "int32",
      Int32Array.from(tokens, (_, i) => start + i),
      [1, T],
    ),
    lastRow: new ort.Tensor("int32", Int32Array.of(T - 1), []),
  };
  for (let layer = 0; layer < numLayers; layer++) {
    const kept = before?.[presentName(layer)] as ort.Tensor | undefined;
    feeds[pastName(layer)] =
      kept ?? new ort.Tensor("float32", new Float32Array(0), [2, 1, numHeads, 0, dModel / numHeads]);
  }
  return session.run(feeds);
}

const logitsOf = (outputs: Outputs): Float32Array => (outputs["logits"] as ort.Tensor).data as Float32Array;

/** Opens a prefill or a decode. */
export async function open(task: Task, threads: number): Promise<Job> {
  if (task.kind !== "prefill" && task.kind !== "decode") return unsupported("ort", task);
  setOrtFiles(ort);
  ort.env.wasm.numThreads = threads;
  const { shape } = task;
  const session = await openSession(shape);
  const prompt = promptTokens(shape, task.prompt);
  const prefill = (): Promise<Outputs> => forward(session, shape, prompt, 0);
  let last = await prefill();
  const filled = last;
  const decode = async (tokens: number): Promise<void> => {
    last = filled;
    for (let i = 0; i < tokens; i++) {
      last = await forward(session, shape, Int32Array.of(greedyToken(logitsOf(last))), task.prompt + i, last);
    }
  };
  return {
    about: { "onnxruntime-web": packageVersion("onnxruntime-web"), threads: String(ort.env.wasm.numThreads) },
    run: async () => {
      if (task.kind === "prefill") last = await prefill();
      else await decode(task.tokens);
    },
    witness: async () => sampleOfLogits(logitsOf(last)),
  };
}

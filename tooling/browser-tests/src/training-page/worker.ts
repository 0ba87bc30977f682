/** The worker of the training page: everything that computes. It answers `Request`s with `Answer`s. */
import type { Snapshot } from "@heed/checkpoints";
import { createGpuBackend } from "@heed/gpu";
import { countParameters } from "@heed/nn";
import { type Backend, countBuffers, createWasmBackend, dispose, referenceBackend, useBackend } from "@heed/tensor";
import { captureRun, restoreRun, train } from "@heed/train";
import type { Answer, PageSettings, Request } from "./messages.ts";
import { createSession, type PageText, prepareText, sampleText } from "./session.ts";

/** What this file uses of the global scope of a worker. */
interface WorkerScope {
  postMessage(message: Answer): void;
  addEventListener(type: "message", listener: (event: { readonly data: Request }) => void): void;
}

const worker = globalThis as unknown as WorkerScope;
const post = (answer: Answer): void => worker.postMessage(answer);

async function open({ backend, threads }: PageSettings): Promise<Backend> {
  if (backend !== "wasm") return createGpuBackend({ prefer: backend, strict: true });
  return createWasmBackend(threads === undefined ? {} : { threads }) ?? referenceBackend();
}

const isLost = (error: unknown): error is Error => error instanceof Error && error.name === "DeviceLostError";

/** Trains on one backend until the end, the stop or the loss of its device; returns the updates made. */
async function trainOn(
  backend: Backend,
  settings: PageSettings,
  text: PageText,
  signal: AbortSignal,
  saved: { snapshot?: Snapshot },
): Promise<number> {
  const { steps, sampleEvery, sampleLength, saveEvery } = settings;
  const session = createSession(settings, text);
  try {
    const restored = saved.snapshot && restoreRun(saved.snapshot, session);
    let step = restored?.step ?? 0;
    post({
      type: "started",
      backend: backend.name,
      details: backend.capabilities().details,
      parameters: countParameters(session.model),
    });
    const save = async (): Promise<void> => {
      saved.snapshot = await captureRun({ ...session, step, metrics: {}, settings: {} });
    };
    if (!restored) await save();
    for await (const update of train({
      optimizer: session.optimizer,
      nextBatch: () => session.cursor.next(),
      loss: (batch) => session.nextLoss(batch),
      ...{ steps, from: step, maxGradientNorm: 1, signal },
    })) {
      step = update.step;
      post({ type: "step", step, loss: update.loss, ...countBuffers(backend) });
      if (step % saveEvery === 0) await save();
      if (sampleLength > 0 && (step % sampleEvery === 0 || step === steps))
        post({ type: "sample", step, text: await sampleText(session.model, text.tokenizer, sampleLength) });
    }
    return step;
  } finally {
    dispose([session.model, session.optimizer.state().tensors]);
  }
}

/** A run from its beginning to its end, over as many devices as it takes. */
async function run(settings: PageSettings, signal: AbortSignal): Promise<void> {
  const text = prepareText(await (await fetch("/text.txt")).text());
  const saved: { snapshot?: Snapshot } = {};
  const lostAt: number[] = [];
  for (;;) {
    const backend = await open(settings);
    const before = useBackend(backend);
    try {
      const step = await trainOn(backend, settings, text, signal, saved);
      const { buffers } = countBuffers(backend);
      post({ type: "ended", step, details: backend.capabilities().details, buffers });
      return;
    } catch (error) {
      // A device that goes again and again before the next snapshot would go on for ever.
      if (!isLost(error) || !saved.snapshot || lostAt.at(-3) === saved.snapshot.step) throw error;
      lostAt.push(saved.snapshot.step);
      post({ type: "lost", name: error.name, message: error.message, from: saved.snapshot.step });
    } finally {
      if (before) useBackend(before);
      if ("close" in backend && typeof backend.close === "function") backend.close();
    }
  }
}

let stop = new AbortController();

worker.addEventListener("message", ({ data }) => {
  if (data.type === "stop") return stop.abort();
  stop = new AbortController();
  run(data.settings, stop.signal).catch((error: unknown) => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    post({ type: "failed", name, message });
  });
});

post({ type: "idle" });

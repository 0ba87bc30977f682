import { createGpuBackend, type GpuBackend, type GpuMode } from "@heed/gpu";
import { currentBackend, data, multiply, tensor } from "@heed/tensor";
import { type ConformanceReport, runConformance } from "./conformance.ts";
import { type TrainingReport, train } from "./training.ts";

/** What a page found out about one mode, as plain data. */
export interface PageReport {
  readonly mode: string;
  readonly details: Readonly<Record<string, string>>;
  readonly conformance: ConformanceReport;
  readonly training: TrainingReport;
  /** the same training on the default backend, in the same page */
  readonly defaultTraining: TrainingReport;
  /** what reading a tensor says when its device is gone */
  readonly afterLoss: string;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Counts calls of `create` minus calls of `destroy`; returns how many are left. */
function countLive(
  creator: object | undefined,
  create: string,
  destroyer: object | undefined,
  destroy: string,
): () => number {
  let live = 0;
  const wrap = (owner: object | undefined, name: string, change: number): void => {
    if (!owner) return;
    const methods = owner as Record<string, Method>;
    const original = methods[name]!;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      live += change;
      return original.apply(this, args);
    };
  };
  wrap(creator, create, 1);
  wrap(destroyer, destroy, -1);
  return () => live;
}

const prototypeOf = (name: string): object | undefined =>
  (globalThis as unknown as Record<string, { readonly prototype: object } | undefined>)[name]?.prototype;

/** Takes the device away from under a tensor. Returns what reading it says. */
async function loseDevice(backend: GpuBackend, caught: readonly unknown[]): Promise<string> {
  const x = multiply(tensor([1, 2, 3], { backend }), 2);
  for (const device of caught as { destroy?(): void; getExtension?(name: string): { loseContext(): void } }[]) {
    device.destroy?.();
    device.getExtension?.("WEBGL_lose_context").loseContext();
  }
  return data(x).then((values) => `values ${values.join(", ")}`, String);
}

/** Keeps what calls of a method return, awaited. */
function catchResults(owner: object | undefined, name: string): unknown[] {
  const caught: unknown[] = [];
  const methods = owner as Record<string, Method>;
  const original = methods[name]!;
  methods[name] = function (this: unknown, ...args: unknown[]) {
    const result = original.apply(this, args);
    Promise.resolve(result).then((value) => caught.push(value));
    return result;
  };
  return caught;
}

async function report(mode: GpuMode): Promise<PageReport> {
  const gl = prototypeOf("WebGL2RenderingContext");
  const count =
    mode === "webgpu"
      ? countLive(prototypeOf("GPUDevice"), "createBuffer", prototypeOf("GPUBuffer"), "destroy")
      : countLive(gl, "createTexture", gl, "deleteTexture");
  const devices =
    mode === "webgpu"
      ? catchResults(prototypeOf("GPUAdapter"), "requestDevice")
      : [
          catchResults(prototypeOf("HTMLCanvasElement"), "getContext"),
          catchResults(prototypeOf("OffscreenCanvas"), "getContext"),
        ];
  const backend = await createGpuBackend({ prefer: mode, strict: true });
  return {
    mode: backend.mode,
    details: backend.capabilities().details,
    training: await train(backend, count),
    defaultTraining: await train(currentBackend(), () => 0),
    conformance: await runConformance(backend),
    afterLoss: await loseDevice(backend, devices.flat()),
  };
}

// The page's address names the mode; what comes out, or the error, goes back to the server that served it.
const answer = await report(new URLSearchParams(location.search).get("mode") as GpuMode).catch((error: unknown) => ({
  error: error instanceof Error ? (error.stack ?? error.message) : String(error),
}));
await fetch("/report", { method: "POST", body: JSON.stringify(answer) });

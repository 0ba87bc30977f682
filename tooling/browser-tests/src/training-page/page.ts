/** The main thread of the training page: it draws, and computes nothing. */
import { chartSize, drawCurve, type Point } from "./chart.ts";
import type { Answer, PageBackend, PageSettings, Request } from "./messages.ts";

const element = <T extends Element>(id: string): T => document.getElementById(id) as unknown as T;
const form = element<HTMLFormElement>("settings");
const backendField = element<HTMLSelectElement>("backend");
const stepsField = element<HTMLInputElement>("steps");
const startButton = element<HTMLButtonElement>("start");
const stopButton = element<HTMLButtonElement>("stop");
const show = (id: string, text: string): void => {
  element<HTMLElement>(id).textContent = text;
};

/** A whole number with commas. `toLocaleString` would load tables of languages first, for tens of milliseconds. */
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

const names: Readonly<Record<string, string>> = { wasm: "WebAssembly", webgpu: "WebGPU", webgl2: "WebGL2" };

/** Settings for which the page has no field may stand in its address: `?layers=2&width=64`. */
const address = new URLSearchParams(location.search);
const fromAddress = (name: string, otherwise: number): number => Number(address.get(name) ?? otherwise);

function settings(): PageSettings {
  const threads = address.get("threads");
  return {
    backend: backendField.value as PageBackend,
    ...(threads !== null && { threads: Number(threads) }),
    layers: fromAddress("layers", 4),
    heads: fromAddress("heads", 4),
    width: fromAddress("width", 128),
    context: fromAddress("context", 64),
    batch: fromAddress("batch", 16),
    steps: Number(stepsField.value),
    lr: fromAddress("lr", 3e-3),
    seed: fromAddress("seed", 1337),
    sampleEvery: fromAddress("sampleEvery", 250),
    sampleLength: fromAddress("sampleLength", 300),
    saveEvery: fromAddress("saveEvery", 250),
  };
}

let points: Point[] = [];
let wantedSteps = 1;
let lastStep: Extract<Answer, { type: "step" }> | undefined;
let drawingSoon = false;

/** Draws what came since the last frame. */
function draw(): void {
  drawingSoon = false;
  const { line, ticks } = drawCurve(points, wantedSteps);
  element<SVGPolylineElement>("curve").setAttribute("points", line);
  element<SVGGElement>("ticks").replaceChildren(
    ...ticks.map(({ loss, y }) => {
      const label = document.createElementNS("http://www.w3.org/2000/svg", "text");
      label.setAttribute("x", String(chartSize.left - 10));
      label.setAttribute("y", String(y + 4));
      label.textContent = String(loss);
      return label;
    }),
  );
  show("last-step", grouped(wantedSteps));
  if (!lastStep) return;
  const { step, loss, buffers, bytes } = lastStep;
  show("step", `${grouped(step)} of ${grouped(wantedSteps)}`);
  show("loss", loss.toFixed(3));
  show("memory", `${(bytes / 1e6).toFixed(1)} MB in ${buffers} tensors`);
}

const drawSoon = (): void => {
  if (!drawingSoon) requestAnimationFrame(draw);
  drawingSoon = true;
};

/** The facts of a backend that concern whoever waits for it. */
const describe = (backend: string, details: Readonly<Record<string, string>>): string =>
  [
    names[backend] ?? backend,
    ...["adapter", "threads", "simd"].filter((key) => key in details).map((key) => `${key}: ${details[key]}`),
  ].join("; ");

function setRunning(running: boolean): void {
  startButton.disabled = running;
  stopButton.disabled = !running;
  backendField.disabled = running;
  stepsField.disabled = running;
}

function receive(answer: Answer): void {
  switch (answer.type) {
    case "idle":
      return setRunning(false);
    case "started":
      show("where", describe(answer.backend, answer.details));
      show("parameters", grouped(answer.parameters));
      return show("state", "training");
    case "step":
      points.push(answer);
      lastStep = answer;
      return drawSoon();
    case "sample":
      return show("sample", answer.text.trim());
    case "lost":
      points = points.filter(({ step }) => step <= answer.from);
      return show("state", `the device was lost; going on from step ${answer.from}`);
    case "ended":
      show("state", answer.step === wantedSteps ? "finished" : "stopped");
      return setRunning(false);
    case "failed":
      show("state", `${answer.name}: ${answer.message}`);
      return setRunning(false);
  }
}

const worker = new Worker("/worker.js", { type: "module" });
const ask = (request: Request): void => worker.postMessage(request);

worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
  receive(data);
  // For whoever watches the page: nothing here listens to it.
  document.dispatchEvent(new CustomEvent("training", { detail: data }));
});
worker.addEventListener("error", ({ message }) => receive({ type: "failed", name: "Error", message }));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = settings();
  [points, wantedSteps, lastStep] = [[], chosen.steps, undefined];
  show("state", "starting");
  show("sample", "");
  setRunning(true);
  drawSoon();
  ask({ type: "start", settings: chosen });
});
stopButton.addEventListener("click", () => ask({ type: "stop" }));

backendField.value = address.get("backend") ?? "wasm";
stepsField.value = address.get("steps") ?? "500";

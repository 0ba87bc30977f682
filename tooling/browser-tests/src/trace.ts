import type { Page } from "playwright-core";

/** Tasks of one thread of a page's process, by the processor time they took, in milliseconds. */
export interface TracedTasks {
  /** longest task of the main thread */
  readonly main: number;
  /** longest task of any worker's thread */
  readonly worker: number;
}

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** processor time of the thread, in microseconds */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/**
 * Records what the threads of a page do while `during` runs.
 *
 * Durations are the thread's own processor time, so that other programs on the machine do not lengthen a task.
 */
export async function traceTasks(page: Page, during: () => Promise<unknown>): Promise<TracedTasks> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ["toplevel"] });
  let trace: Buffer | undefined;
  try {
    await during();
    // A task is recorded when it ends, which is after its answer came.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 20)));
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const threads = new Map(
    traceEvents
      .filter(({ ph, name }) => ph === "M" && name === "thread_name")
      .map(({ pid, tid, args }) => [`${pid} ${tid}`, args.name ?? ""]),
  );
  const longest = (name: RegExp): number => {
    const times = traceEvents
      .filter(({ ph, pid, tid, tdur }) => ph === "X" && tdur !== undefined && name.test(threads.get(`${pid} ${tid}`)!))
      .map(({ tdur }) => tdur! / 1000);
    return Math.max(Number.NEGATIVE_INFINITY, ...times);
  };
  return { main: longest(/^CrRendererMain$/), worker: longest(/^DedicatedWorker thread/) };
}

/** Addresses of the scripts in a page's main thread, and how many of its modules are WebAssembly. */
export async function mainThreadScripts(page: Page): Promise<{ readonly urls: string[]; readonly wasm: number }> {
  const session = await page.context().newCDPSession(page);
  const urls: string[] = [];
  let wasm = 0;
  session.on("Debugger.scriptParsed", ({ url, scriptLanguage }) => {
    if (scriptLanguage === "WebAssembly") wasm++;
    else if (url.startsWith("http")) urls.push(new URL(url).pathname);
  });
  // Tells of every script that is there already before it answers.
  await session.send("Debugger.enable");
  await session.detach();
  return { urls, wasm };
}

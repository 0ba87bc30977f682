import type { Answer } from "./training-page/messages.ts";

/** What is noted inside a page from its first moment on, in its main thread. */
export interface Watched {
  readonly answers: Answer[];
  /** of each turn that the main thread got: how many answers had come by then */
  readonly beats: number[];
  /** tasks over 50 ms by the browser's own count, in milliseconds */
  readonly longTasks: { readonly start: number; readonly duration: number }[];
}

/** Runs in the page before its scripts: notes what its worker says, whether its main thread gets turns, and long tasks. */
export function watchPage(): void {
  const watched: Watched = { answers: [], beats: [], longTasks: [] };
  Object.assign(globalThis, { watched });
  document.addEventListener("training", (event) => {
    watched.answers.push((event as CustomEvent<Answer>).detail);
  });
  setInterval(() => watched.beats.push(watched.answers.length), 10);
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) watched.longTasks.push({ start: startTime, duration });
  }).observe({ type: "longtask", buffered: true });
}

import { expect, test } from "vitest";
import { listenForInterrupt } from "../src/train/interrupt.ts";

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("a signal asks for an end, once more at once is the same one, later it ends the process", async () => {
  const seen: string[] = [];
  const interrupt = listenForInterrupt(
    undefined,
    () => seen.push("first"),
    (name) => seen.push(`end ${name}`),
  );
  expect(interrupt.signal.aborted).toBe(false);
  process.emit("SIGINT", "SIGINT");
  process.emit("SIGINT", "SIGINT");
  expect(interrupt.signal.aborted).toBe(true);
  expect(seen).toEqual(["first"]);
  await wait(600);
  process.emit("SIGTERM", "SIGTERM");
  expect(seen).toEqual(["first", "end SIGTERM"]);
  expect(process.listenerCount("SIGINT")).toBe(0);
});

test("a closed output asks for an end, too, and release stops listening", () => {
  const closed = new AbortController();
  const before = process.listenerCount("SIGTERM");
  const interrupt = listenForInterrupt(closed.signal, () => {});
  closed.abort();
  expect(interrupt.signal.aborted).toBe(true);
  interrupt.release();
  expect(process.listenerCount("SIGTERM")).toBe(before);
});

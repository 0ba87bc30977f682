import { expect, test } from "vitest";
import { PEERS, readArguments } from "../src/arguments.ts";

const cases = ["ceilings", "matmul-512"];

test("without arguments every case runs, at one and two threads, beside every peer", () => {
  expect(readArguments([], cases)).toMatchObject({ cases, threads: [1, 2], peers: PEERS, rounds: undefined });
});

test("only a run of everything is written to the docs", () => {
  expect(readArguments([], cases).whole).toBe(true);
  expect(readArguments(["--browser"], cases)).toMatchObject({ whole: true, browser: true });
  for (const args of [["ceilings"], ["--threads", "1"], ["--peers", "jax"], ["--rounds", "1"], ["--against", "main"]])
    expect(readArguments(args, cases).whole).toBe(false);
});

test("options are read", () => {
  const read = readArguments(
    ["matmul-512", "--threads", "2", "--rounds", "3", "--peers", "jax,ort", "--json", "out.json"],
    cases,
  );
  expect(read).toMatchObject({
    cases: ["matmul-512"],
    threads: [2],
    rounds: 3,
    peers: ["jax", "ort"],
    json: "out.json",
  });
  expect(readArguments(["nanogpt-cpu", "--peers", "none"], cases)).toMatchObject({ cases: ["nanogpt-cpu"], peers: [] });
});

test("bad input gets one clear sentence", () => {
  expect(() => readArguments(["matmul-513"], cases)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: case is unknown, expected one of ceilings, matmul-512, nanogpt-cpu, got "matmul-513". Choose one of these.]`,
  );
  expect(() => readArguments(["--threads", "0"], cases)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: --threads is not usable, expected a whole number from 1 to 2, got "0". Give one such number.]`,
  );
  expect(() => readArguments(["--rounds", "many"], cases)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: --rounds is not usable, expected a whole number from 1 to 1000, got "many". Give one such number.]`,
  );
  expect(() => readArguments(["--browser", "--against", "main"], cases)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: --against is not offered with --browser, expected one of the two, got both. Compare revisions on Node.]`,
  );
  expect(() => readArguments(["--peers", "numpy"], cases)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bench: --peers is unknown, expected one of heed-wide, jax, tfjs-tuned, tfjs, ort, got "numpy". Choose one of these.]`,
  );
});

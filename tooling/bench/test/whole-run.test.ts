import { expect, test } from "vitest";
import { validationLossOf, wholeRunMarkdown } from "../src/whole-run.ts";

test("only the evaluation of the whole validation text counts", () => {
  expect(validationLossOf('{"event":"validation","step":2000,"loss":1.87,"whole":true}')).toBe(1.87);
  expect(validationLossOf('{"event":"validation","step":250,"loss":2.4,"whole":false}')).toBeUndefined();
  expect(validationLossOf('{"event":"step","step":1,"loss":4.2}')).toBeUndefined();
  expect(validationLossOf("saved")).toBeUndefined();
});

test("a missing or too large figure is not reached", () => {
  const page = wholeRunMarkdown({
    exitCode: 0,
    seconds: 100,
    validationLoss: undefined,
    peakMegabytes: 500,
    cpuSeconds: 120,
  });
  expect(page).toContain("| validation loss | none | at most 1.9: not reached |");
  expect(page).toContain("| time | 100.0 s | at most 240 s: reached |");
  expect(page).toContain("| peak memory | 500.0 MB | at most 400 MB: not reached |");
});

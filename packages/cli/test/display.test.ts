import { expect, test } from "vitest";
import { lossChart } from "../src/loss-chart.ts";
import { programName, shellWord } from "../src/program-name.ts";
import { createProgress, duration } from "../src/progress.ts";
import { suggest } from "../src/suggest.ts";

const line = (count: number) => Array.from({ length: count }, (_, i) => ({ step: i + 1, loss: count - i }));

test("a curve is drawn from its first update to its last", () => {
  expect(lossChart(line(12), { height: 3 })).toMatchInlineSnapshot(`
    "      12.00 ┼──╮         
           8.33 ┤  ╰───╮     
           4.67 ┤      ╰───╮ 
           1.00 ┤          ╰ 
                 step 1    12"
  `);
  const columns = lossChart(line(500), { width: 40 })
    .split("\n")[0]!
    .replace(/^.*[┤┼]/, "");
  expect(columns.length).toBeLessThanOrEqual(40);
  expect(lossChart(line(1))).toBe("");
});

test("without a terminal progress is some forty lines", () => {
  let text = "";
  const progress = createProgress(
    1000,
    0,
    { stdout: { write() {} }, stderr: { write: (more) => (text += more) } },
    false,
  );
  for (let step = 1; step <= 1000; step++)
    progress.update(step, { loss: "1", validation: "-", rate: "5", left: duration(1000 - step) });
  progress.stop();
  expect(text.split("\n")).toHaveLength(41);
  expect(text).toContain("step 1000/1000 | loss 1 | val - | 5 tok/s | 0s left\n");
});

test("time is told as people say it", () => {
  expect([0, 59.4, 65, 3599, 7620].map(duration)).toEqual(["0s", "59s", "1m 5s", "59m 59s", "2h 7m"]);
});

test("the nearest name is suggested, but not a far one", () => {
  const names = ["nanogpt-cpu", "nanogpt-baby", "gpt2"];
  expect(suggest("nanogpt-cp", names)).toBe(" Did you mean nanogpt-cpu?");
  expect(suggest("NANOGPT-BABI", names)).toBe(" Did you mean nanogpt-baby?");
  expect(suggest("gtp2", names)).toBe("");
  expect(suggest("gpt", names)).toBe(" Did you mean gpt2?");
  expect(suggest("llama", names)).toBe("");
  expect(suggest("x", [])).toBe("");
});

test("commands are printed as the user can type them", () => {
  expect(programName({ npm_package_name: "heed-repository" })).toBe("npm run --silent heed --");
  expect(programName({})).toBe("npx heed");
  expect(shellWord("runs/start-2")).toBe("runs/start-2");
  expect(shellWord("my runs/it's")).toBe(`'my runs/it'\\''s'`);
});

test("on a terminal progress is a bar", async () => {
  const written: string[] = [];
  const { isTTY } = process.stderr;
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.isTTY = true;
  process.stderr.write = ((text: string) => written.push(text) > 0) as typeof process.stderr.write;
  try {
    const progress = createProgress(10, 0, { stdout: { write() {} }, stderr: process.stderr }, false);
    progress.update(4, { loss: "1.5", validation: "2.5", rate: "99", left: "6s" });
    progress.line("a remark");
    progress.stop();
  } finally {
    process.stderr.write = write;
    process.stderr.isTTY = isTTY;
  }
  expect(written.join("")).toContain("40% | step 4/10 | loss 1.5 | val 2.5 | 99 tok/s | 6s left");
  expect(written.join("")).toContain("a remark\n");
});

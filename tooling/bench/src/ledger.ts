/** The performance ledger: all cases in one table, each of our sides beside every peer and beside the machine's ceilings. */
import { type CaseReport, figure, type SideReport } from "./report.ts";
import type { Library } from "./task.ts";

const PEERS: readonly Library[] = ["jax", "tfjs-tuned", "tfjs", "ort"];

function ratioTo(peer: Library, side: SideReport, { sides, ratios }: CaseReport): string {
  const found = ratios.find(
    ({ faster, slower }) =>
      faster === side.label && sides.some(({ label, library }) => label === slower && library === peer),
  );
  return found === undefined ? "" : `${found.byMin.toFixed(2)} (${found.byRound.toFixed(2)})`;
}

function row(side: SideReport, report: CaseReport): string {
  const { label, milliseconds, rates, ofCeiling } = side;
  const cells = [
    report.name,
    label,
    figure(milliseconds.min),
    figure(milliseconds.spread),
    rates.map(({ unit, value }) => `${figure(value)} ${unit}`).join(", "),
    ofCeiling === undefined ? "" : `${(100 * ofCeiling).toFixed(0)} %`,
    ...PEERS.map((peer) => ratioTo(peer, side, report)),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** All cases in one table. A ratio of 2 is twice as fast as the peer, by the fastest runs (in parentheses the median by round). */
export function ledgerMarkdown(cases: readonly CaseReport[]): string {
  const own = (library: Library): boolean => library === "heed" || library === "heed-wide" || library === "machine";
  const rows = cases.flatMap((report) =>
    report.sides
      .filter(({ library }) => own(library) && (library !== "machine" || report.name === "ceilings"))
      .map((side) => row(side, report)),
  );
  return [
    "## The table",
    "",
    "A ratio of 2 is twice as fast as the peer: by the fastest runs, in parentheses the median over rounds of the rounds' own ratios. Ceilings took turns with the sides: fused multiply-adds in registers for products and steps, bytes read for decoding, at the same number of threads.",
    "",
    `| case | side | min ms | quartile spread ms | speed | of the ceiling | ${PEERS.map((peer) => `/ ${peer}`).join(" | ")} |`,
    `| --- | --- | ---: | ---: | --- | ---: | ${PEERS.map(() => "---:").join(" | ")} |`,
    ...rows,
    "",
  ].join("\n");
}

/** Two revisions in one table; above 1 this tree is the faster one. */
export function againstMarkdown(cases: readonly CaseReport[], revision: string): string {
  const rows = cases.flatMap(({ name, sides, ratios }) =>
    ratios.map(({ faster, slower, byMin, byRound, byCpu }) => {
      const times = [faster, slower].map((label) => sides.find((side) => side.label === label)?.milliseconds);
      const cells = times.flatMap((time) => [figure(time?.min ?? Number.NaN), figure(time?.spread ?? Number.NaN)]);
      return `| ${[name, faster, ...cells, byMin.toFixed(2), byRound.toFixed(2), byCpu.toFixed(2)].join(" | ")} |`;
    }),
  );
  return [
    `## This tree against ${revision}`,
    "",
    "Both took turns in every round. Above 1 this tree is faster.",
    "",
    `| case | side | min ms here | spread | min ms at ${revision} | spread | by minimum | by round (median) | by CPU time |`,
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...rows,
    "",
  ].join("\n");
}

import { everyAttention } from "@heed/attention/testing";
import { combinations } from "./matrix.ts";
import { matrixObjectives } from "./objectives/index.ts";
import { matrixPositions } from "./positions.ts";

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The page that shows what goes with what: the same for the same parts, whatever the machine. */
export function table(): string {
  const all = combinations();
  const reasons = [...new Set(all.flatMap(({ refusal }) => (refusal ? [refusal.reason] : [])))];
  const [attentions, positions, objectives] = [everyAttention, matrixPositions, matrixObjectives].map(Object.keys) as [
    string[],
    string[],
    string[],
  ];
  const cell = (attention: string, position: string): string => {
    const here = all.filter((one) => one.attention === attention && one.position === position);
    const trained = here.filter(({ refusal }) => !refusal).length;
    const notes = [...new Set(here.flatMap(({ refusal }) => (refusal ? [reasons.indexOf(refusal.reason) + 1] : [])))];
    return notes.length === 0 ? `${trained}` : `${trained} (${notes.join(", ")})`;
  };
  const count = all.filter(({ refusal }) => !refusal).length;
  return `# What goes with what

Every attention with every position encoding and every objective: ${attentions.length} x ${positions.length} x ${objectives.length} = ${all.length} combinations. ${count} of them train a tiny model
(one block, width 16) for a few steps in \`npm test\`: the loss falls below where it began and all gradients are numbers. A cell counts the objectives, of ${objectives.length}, that go with an attention and a position encoding; the
${all.length - count} that do not are explained below. Written by \`npm run matrix\`.

${row(["attention", ...positions])}
${row(["---", ...positions.map(() => "---:")])}
${attentions.map((attention) => row([attention, ...positions.map((position) => cell(attention, position))])).join("\n")}

## Why not

${reasons.map((reason, i) => `${i + 1}. ${reason[0]!.toUpperCase()}${reason.slice(1)}.`).join("\n")}

## Objectives and the masks they need

${row(["objective", "who sees whom"])}
${row(["---", "---"])}
${Object.entries(matrixObjectives)
  .map(([name, { mask }]) => row([name, mask]))
  .join("\n")}
`;
}

/** Where reports go: the files that were asked for, and the docs when a whole run is done. */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Figures as the docs show them. */
export const DOCS_FOLDER: string = fileURLToPath(new URL("../../../apps/docs/generated/", import.meta.url));

/** What to write. */
export interface Written {
  /** Name of the pair of files in the docs; undefined writes none there. */
  readonly name: string | undefined;
  readonly report: object;
  readonly page: string;
  readonly json: string | undefined;
  readonly markdown: string | undefined;
}

/** Writes the report as JSON and Markdown. */
export function writeReport({ name, report, page, json, markdown }: Written): void {
  const text = `${JSON.stringify(report, undefined, 2)}\n`;
  if (json !== undefined) writeFileSync(json, text);
  if (markdown !== undefined) writeFileSync(markdown, page);
  if (name === undefined) return;
  mkdirSync(DOCS_FOLDER, { recursive: true });
  writeFileSync(`${DOCS_FOLDER}${name}.json`, text);
  writeFileSync(`${DOCS_FOLDER}${name}.md`, page);
  console.error(`written: apps/docs/generated/${name}.json and .md`);
}

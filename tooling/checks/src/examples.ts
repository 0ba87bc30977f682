import { readFileSync } from "node:fs";
import { at } from "./workspace.ts";

export interface Example {
  /** Where it stands: path and line. */
  readonly origin: string;
  readonly code: string;
}

/** The ```ts blocks of a Markdown file. */
export function markdownExamples(path: string, text: string): Example[] {
  const examples: Example[] = [];
  for (const match of text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const line = text.slice(0, match.index).split("\n").length;
    examples.push({ origin: `${path}:${line}`, code: match[1]! });
  }
  return examples;
}

/** The code after `@example` in the docstrings of a TypeScript file, up to the next tag or the end of the comment. */
export function docstringExamples(path: string, text: string): Example[] {
  const examples: Example[] = [];
  for (const match of text.matchAll(/^[ \t]*\*[ \t]*@example\b([^\n]*)\n((?:[ \t]*\*(?!\/)(?![ \t]*@)[^\n]*\n)*)/gm)) {
    const line = text.slice(0, match.index).split("\n").length;
    const body = match[2]!.replaceAll(/^[ \t]*\*[ ]?/gm, "").replaceAll(/^```\w*$/gm, "");
    if (body.trim() !== "") examples.push({ origin: `${path}:${line}`, code: body });
  }
  return examples;
}

/**
 * A program from an example that leaves its imports out: names that the code uses and that a package exports are imported.
 *
 * @param exported package by exported name
 */
export function withImports(code: string, exported: ReadonlyMap<string, string>): string {
  if (/^\s*import\b/m.test(code)) return code;
  const plain = code.replaceAll(/\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"/g, "");
  const declared = new Set(
    [...plain.matchAll(/\b(?:const|let|function|class|using)\s+([\w$]+)/g)].map((match) => match[1]!),
  );
  for (const match of plain.matchAll(/\b(?:const|let)\s*[{[]([^}\]]*)[}\]]\s*=/g)) {
    for (const part of match[1]!.split(",")) declared.add(part.split(":").at(-1)!.trim());
  }
  const used = new Set([...plain.matchAll(/(?<![.\w$])([A-Za-z_$][\w$]*)(?!\s*:(?!:))/g)].map((match) => match[1]!));
  const lines = [...used]
    .filter((name) => exported.has(name) && !declared.has(name))
    .map((name) => `import { ${name} } from "${exported.get(name)}";\n`);
  return lines.join("") + code;
}

export const readText = (path: string): string => readFileSync(at(path), "utf8");

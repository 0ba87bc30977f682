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

const lists = (code: string, pattern: RegExp): string[] =>
  [...code.matchAll(pattern)]
    .flatMap((match) => match[1]!.split(","))
    .map((part) =>
      part
        .split(/:|\bas\b/)
        .at(-1)!
        .trim(),
    );

/** Names that the code itself declares or imports. */
function declaredNames(code: string): Set<string> {
  const single = [...code.matchAll(/\b(?:const|let|function|class|using)\s+([\w$]+)/g)].map((match) => match[1]!);
  const parts = lists(code, /\b(?:const|let)\s*[{[]([^}\]]*)[}\]]\s*(?:=|of\b)/g);
  return new Set([...single, ...parts, ...lists(code, /\bimport\s*(?:type\s*)?{([^}]*)}/g)]);
}

/**
 * A program from an example that leaves imports out: names that it uses, does not declare and that a package exports are imported.
 *
 * @param exported package by exported name
 */
export function withImports(code: string, exported: ReadonlyMap<string, string>): string {
  const plain = code.replaceAll(/\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"/g, "");
  const declared = declaredNames(plain);
  const used = new Set([...plain.matchAll(/(?<![.\w$])([A-Za-z_$][\w$]*)(?!\s*:(?!:))/g)].map((match) => match[1]!));
  const lines = [...used]
    .filter((name) => exported.has(name) && !declared.has(name))
    .map((name) => `import { ${name} } from "${exported.get(name)}";\n`);
  return lines.join("") + code;
}

export const readText = (path: string): string => readFileSync(at(path), "utf8");

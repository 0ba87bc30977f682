import { expect, test } from "vitest";
import { docstringExamples, markdownExamples, withImports } from "../src/examples.ts";

test("ts blocks of Markdown, with their lines, and no others", () => {
  const text = "# a\n\n```ts\nconst x = 1;\n```\n```sh\nnpm test\n```\ntext\n```ts\nlet y;\nlet z;\n```\n";
  expect(markdownExamples("a.md", text)).toEqual([
    { origin: "a.md:3", code: "const x = 1;\n" },
    { origin: "a.md:10", code: "let y;\nlet z;\n" },
  ]);
});

test("@example of docstrings ends at the next tag or the end of the comment", () => {
  const text = `
/**
 * Adds.
 *
 * @example
 * const a = add(1, 2);
 * if (a !== 3) throw new Error();
 * @see a book
 */
export const add = 1;
  /** @example */
/**
 * @example
 * \`\`\`ts
 * last();
 * \`\`\`
 */
`;
  expect(docstringExamples("a.ts", text)).toEqual([
    { origin: "a.ts:5", code: "const a = add(1, 2);\nif (a !== 3) throw new Error();\n" },
    { origin: "a.ts:13", code: "\nlast();\n\n" },
  ]);
});

const exported = new Map([
  ["add", "@heed/tensor"],
  ["mean", "@heed/tensor"],
  ["x", "@heed/tensor"],
  ["axis", "@heed/tensor"],
]);

test.each([
  ["a used name", "add(1);", 'import { add } from "@heed/tensor";\nadd(1);'],
  ["a name declared here", "const x = 1; const { mean } = x;", "const x = 1; const { mean } = x;"],
  ["a renamed part", "const { y: mean } = 1; mean;", "const { y: mean } = 1; mean;"],
  ["a property or a method", "y.add(z.mean);", "y.add(z.mean);"],
  ["a key", "f({ axis: 1 });", "f({ axis: 1 });"],
  ["a short key", "f({ axis });", 'import { axis } from "@heed/tensor";\nf({ axis });'],
  ["a word in a comment or string", 'f("add"); // mean', 'f("add"); // mean'],
  ["imports of its own", 'import { add, y as x } from "g";\nadd(x);', 'import { add, y as x } from "g";\nadd(x);'],
  ["parts in a loop", "for (const { mean } of f()) mean;", "for (const { mean } of f()) mean;"],
])("withImports: %s", (_, code, expected) => {
  expect(withImports(code, exported)).toBe(expected);
});

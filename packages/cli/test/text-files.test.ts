import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkVaried, readText, readTexts } from "../src/text-files.ts";
import { temporaryFolder } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const refusal = async (path: string): Promise<string> =>
  readText(path).then(
    () => "accepted",
    (error: Error) => error.message.replaceAll(folder, "TMP"),
  );

test("texts are read as they are, several joined by a line break", async () => {
  const [a, b] = [write("a.txt", "héllo\r\n"), write("b.txt", "\u{1F600}")];
  expect(await readTexts([a, b])).toBe("héllo\r\n\n\u{1F600}");
});

test("what is not a text is refused in one sentence", async () => {
  mkdirSync(join(folder, "dir"));
  expect(await refusal(join(folder, "no.txt"))).toMatchInlineSnapshot(
    `"text file TMP/no.txt does not exist, expected a UTF-8 text file. Check the path"`,
  );
  expect(await refusal(join(folder, "dir"))).toMatchInlineSnapshot(
    `"text file TMP/dir is a folder, expected a UTF-8 text file. Name the files in it"`,
  );
  expect(await refusal(join(folder, "a.txt/b"))).toMatchInlineSnapshot(
    `"text file TMP/a.txt/b cannot be read (ENOTDIR), expected a UTF-8 text file. Check the path and its permissions"`,
  );
  expect(await refusal("/dev/null")).toMatchInlineSnapshot(
    `"text file /dev/null is a device or a pipe, expected a file. Save it first"`,
  );
  expect(await refusal(write("empty.txt", ""))).toMatchInlineSnapshot(
    `"text file TMP/empty.txt is empty, expected text. Check the path"`,
  );
  expect(await refusal(write("binary.txt", Uint8Array.of(65, 66, 0, 67)))).toMatchInlineSnapshot(
    `"text file TMP/binary.txt is binary (a zero byte at offset 2), expected UTF-8 text. Convert it to text first"`,
  );
  expect(await refusal(write("latin.txt", Uint8Array.of(0xe4, 0xf6, 0xfc)))).toMatchInlineSnapshot(
    `"text file TMP/latin.txt is not UTF-8, expected UTF-8 text. Convert it first, for example with iconv -t utf-8"`,
  );
});

test("a text of one character is refused, however long", () => {
  for (const text of ["a", "aaaa", "\u{1F600}\u{1F600}"]) {
    expect(() => checkVaried(text, ["t.txt"])).toThrow("expected at least two different ones");
  }
  for (const text of ["ab", "aaab", "\u{1F600}\u{1F601}"]) checkVaried(text, ["t.txt"]);
});

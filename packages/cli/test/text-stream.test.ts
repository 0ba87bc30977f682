import { loadTokenizer, trainByteTokenizer, trainCharacterTokenizer } from "@heed/data";
import { expect, test } from "vitest";
import { textStream } from "../src/text-stream.ts";

test.each([
  ["bytes", loadTokenizer(trainByteTokenizer())],
  ["characters", loadTokenizer(trainCharacterTokenizer("aé\u{1F600} \n漢"))],
])("the parts of a text of %s are the text", (_, tokenizer) => {
  const text = "aé\u{1F600} \n漢".repeat(40);
  const stream = textStream(tokenizer);
  const parts = [...tokenizer.encode(text)].map((id) => stream.push(id));
  expect(parts.join("") + stream.end()).toBe(text);
  // Nothing is shown of a character that is not whole.
  expect(parts.some((part) => part.includes("\uFFFD"))).toBe(false);
});

test("bytes that never become a character are shown at the end", () => {
  const tokenizer = loadTokenizer(trainByteTokenizer());
  const stream = textStream(tokenizer);
  const [first] = tokenizer.encode("é");
  expect(stream.push(first!)).toBe("");
  expect(stream.end()).toBe("\uFFFD");
});

import { type Rng, rng } from "@heed/tensor";
import { expand, pick } from "./grammar.ts";
import { shortForms } from "./short-forms.ts";
import { plots } from "./stories.ts";
import { drawCounts, drawWorld } from "./world.ts";

/** A story: one way to tell each moment of a plot, in one world. */
function tellStory(random: Rng): string {
  const bindings = { ...drawWorld(random), ...drawCounts(random) };
  return expand(
    random,
    pick(random, plots)
      .map((moment) => pick(random, moment))
      .join(" ")
      .replace(/ ?\n ?/g, "\n"),
    bindings,
  );
}

function tellShort(random: Rng): string {
  const own = pick(random, shortForms)(random);
  return expand(random, own.template, { ...drawWorld(random), ...drawCounts(random), ...own.bindings }).trimEnd();
}

/**
 * Made-up text to learn from: small stories, letters, talks and facts of one valley, whose people, pets and sums stay
 * the same throughout.
 *
 * Plain ASCII, paragraphs with an empty line between them. The same arguments give the same text on every machine.
 *
 * @param seed whole number in 0..2^53-1
 * @param bytes wanted length in bytes (= characters); the text ends with the story that reaches it
 * @throws RangeError if a number is out of range
 */
export function generateCorpus(seed: number, bytes: number): string {
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new RangeError(`generateCorpus: bytes is out of range, expected a whole number >= 1, got ${bytes}`);
  const random = rng(seed);
  const parts: string[] = [];
  for (let length = 0; length < bytes; ) {
    const part = random.nextInteger(5) < 3 ? tellStory(random) : tellShort(random);
    parts.push(part);
    length += part.length + 2;
  }
  return `${parts.join("\n\n")}\n`;
}

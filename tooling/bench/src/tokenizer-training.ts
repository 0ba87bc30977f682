/**
 * How fast tokenizers are trained on a stream of text that is never held whole: MB of UTF-8 a second, and the memory it takes.
 *
 * `node --conditions=@heed/source tooling/bench/src/tokenizer-training.ts [megabytes, default 100]`
 *
 * There is no other side: no JavaScript library trains tokenizers. Each is trained twice on the same stream, and the two files
 * must be equal.
 */
import { createHash } from "node:crypto";
import { type TokenizerFile, trainBytePairTokenizer, trainUnigramTokenizer, trainWordPieceTokenizer } from "@heed/data";
import { rng } from "@heed/tensor";

const megabytes = Number(process.argv[2] ?? 100);
if (!(megabytes > 0))
  throw new RangeError(`tokenizer-training: megabytes is wrong, expected a number > 0, got ${process.argv[2]}`);

const syllables =
  "ba be bi bo da de di do ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so ta te ti to".split(
    " ",
  );

/** Words of one to four syllables, as often as Zipf's law has it, in lines of twelve. About `bytes` of them. */
function* lines(bytes: number): Generator<string> {
  const draw = rng(1);
  const words = Array.from({ length: 50_000 }, () =>
    Array.from({ length: 1 + draw.nextInteger(4) }, () => syllables[draw.nextInteger(syllables.length)]!).join(""),
  );
  for (let made = 0; made < bytes; ) {
    const line = Array.from({ length: 12 }, () => words[Math.floor(words.length ** draw.next()) - 1]!).join(" ");
    made += line.length + 1;
    yield `${line}\n`;
  }
}

const trainers: Readonly<Record<string, (texts: Iterable<string>) => Promise<TokenizerFile>>> = {
  "byte pairs, 8,000 tokens": (texts) => trainBytePairTokenizer(texts, { vocabSize: 8000 }),
  "WordPiece, 8,000 tokens": (texts) => trainWordPieceTokenizer(texts, { vocabSize: 8000 }),
  "Unigram, 8,000 tokens": (texts) => trainUnigramTokenizer(texts, { vocabSize: 8000 }),
};

let streamed = performance.now();
for (const _ of lines(megabytes * 1e6));
streamed = (performance.now() - streamed) / 1000;
console.log(`${megabytes} MB of text; making it takes ${streamed.toFixed(1)} s, which is subtracted\n`);
for (const [name, train] of Object.entries(trainers)) {
  const digests: string[] = [];
  let best = Number.POSITIVE_INFINITY;
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 50);
  for (let run = 0; run < 2; run++) {
    const started = performance.now();
    const file = await train(lines(megabytes * 1e6));
    best = Math.min(best, (performance.now() - started) / 1000 - streamed);
    digests.push(createHash("sha256").update(JSON.stringify(file)).digest("hex"));
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  clearInterval(watch);
  if (digests[0] !== digests[1]) throw new Error(`${name}: two runs gave different files`);
  console.log(
    `${name.padEnd(26)} ${(megabytes / best).toFixed(1).padStart(6)} MB/s   ${Math.round(peak / 1e6)} MB of memory at most`,
  );
}

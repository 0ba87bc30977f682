import {
  add,
  arange,
  cast,
  dataSync,
  equal,
  fromArray,
  greater,
  less,
  pad,
  reshape,
  select,
  sum,
  type Tensor,
} from "@heed/tensor";
import { sentenceEnds } from "./elmo-characters.ts";

/** Sentences with what is known of their ends. */
export interface ElmoSentences {
  /** int32 [B, T, characters] */
  readonly characters: Tensor;
  /** int32 [B]: words of each */
  readonly lengths: Tensor;
  /** bool [B, T]: true at words */
  readonly mask: Tensor;
}

/** Measures sentences. @throws RangeError if one has words behind its end */
export function measured(characters: Tensor): ElmoSentences {
  const letters = sum(cast(greater(characters, 0), "float32"), { axes: -1 });
  const words = greater(letters, 0);
  checkNoGaps(words);
  const lengths = cast(sum(cast(words, "float32"), { axes: -1 }), "int32");
  return { characters, lengths, mask: words };
}

/** Where the backend can read at once. */
function checkNoGaps(words: Tensor): void {
  if (!words.backend.readSync) return;
  const [, T] = words.shape as [number, number];
  const values = dataSync(words);
  const bad = values.findIndex((isWord, i) => Boolean(isWord) && i % T > 0 && !values[i - 1]);
  if (bad >= 0)
    throw new RangeError(
      `Elmo: characters has a word at place ${bad % T} of row ${Math.floor(bad / T)} behind an empty place, expected words at the left and zeros at the right. Move the padding`,
    );
}

/** The same sentences between their boundaries: [B, T + 2, characters]. */
export function withBoundaries({ characters, lengths }: ElmoSentences): ElmoSentences {
  const [B, T, C] = characters.shape as [number, number, number];
  const { backend } = characters;
  const { begin, end } = sentenceEnds(C);
  const [first, last] = [begin, end].map((ids) => fromArray(ids, [1, 1, C], { dtype: "int32", backend }));
  const places = reshape(arange(0, T + 2, { backend }), [1, T + 2]);
  const longer = add(lengths, 2);
  const isLast = equal(places, reshape(add(lengths, 1), [B, 1]));
  const isFirst = equal(places, 0);
  const moved = pad(characters, [0, 1, 0], [0, 1, 0]);
  const closed = select(reshape(isLast, [B, T + 2, 1]), last!, moved);
  return {
    characters: select(reshape(isFirst, [1, T + 2, 1]), first!, closed),
    lengths: longer,
    mask: less(places, reshape(longer, [B, 1])),
  };
}

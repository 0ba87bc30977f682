import { loadTokenizer, type Tokenizer, type TokenizerFile, trainWordPieceTokenizer } from "@heed/data";
import type { LabelledPair, LabelledText } from "@heed/objectives";
import { badInput } from "../errors.ts";
import { linesOf, tableOf } from "./data-folder.ts";
import type { Kitchen } from "./recipe.ts";

/** Everything that the recipe reads, in tokens. */
export interface BertData {
  readonly file: TokenizerFile;
  readonly tokenizer: Tokenizer;
  /** texts of consecutive sentences: speeches, then the pairs of the entailment task */
  readonly documents: readonly (readonly Int32Array[])[];
  /** how many of the documents are pairs of the entailment task */
  readonly numPairs: number;
  /** texts of one sentence */
  readonly sentences: readonly Int32Array[];
  readonly entailment: { readonly train: readonly LabelledPair[]; readonly test: readonly LabelledPair[] };
  readonly sentiment: { readonly train: readonly LabelledText[]; readonly test: readonly LabelledText[] };
}

export const bertFiles = [
  ...["text/tinyshakespeare.txt", "multi30k/train.en.gz", "sick/train.tsv.gz", "sick/test.tsv.gz"],
  ...["sst2/train.tsv.gz", "sst2/test.tsv.gz"],
];

const relations = ["NEUTRAL", "ENTAILMENT", "CONTRADICTION"];

interface RawPair {
  readonly first: string;
  readonly second: string;
  readonly label: number;
}

async function readPairs({ read }: Kitchen, part: string, most: number): Promise<RawPair[]> {
  const path = `sick/${part}.tsv.gz`;
  const rows = tableOf(await read(path), "\t", ["sentence_A", "sentence_B", "entailment_judgment"], path);
  return rows.slice(0, most).map(([first, second, relation]) => {
    const label = relations.indexOf(relation!);
    if (label >= 0) return { first: first!, second: second!, label };
    throw badInput(`train: data file ${path} has the judgment ${relation}, expected one of ${relations.join(", ")}`);
  });
}

async function readPhrases({ read }: Kitchen, part: string, most: number) {
  const path = `sst2/${part}.tsv.gz`;
  const rows = tableOf(await read(path), "\t", ["sentence", "label"], path).slice(0, most);
  return rows.map(([text, label]) => ({ text: text!.trim(), label: Number(label) })).filter(({ text }) => text !== "");
}

/** Speeches of the plays, line by line, without the names of those who speak. */
async function readSpeeches({ read }: Kitchen, most: number): Promise<string[][]> {
  const speeches = (await read("text/tinyshakespeare.txt")).split(/\n\s*\n/);
  return speeches
    .map((speech) => linesOf(speech).slice(1))
    .filter((lines) => lines.length > 1)
    .slice(0, most);
}

/**
 * Reads all texts, learns a vocabulary from those that are trained on, and encodes. Longer texts are cut.
 *
 * Pretraining sees captions, plays, phrases of reviews and the training pairs of the entailment task without their labels, never a
 * text of a test set.
 */
export async function readBertData(
  kitchen: Kitchen,
  { vocabSize, maxTokens }: { vocabSize: number; maxTokens: number },
): Promise<BertData> {
  const most = kitchen.smoke ? 60 : Number.POSITIVE_INFINITY;
  const [speeches, captions] = [
    await readSpeeches(kitchen, most),
    linesOf(await kitchen.read("multi30k/train.en.gz")).slice(0, most),
  ];
  const [pairs, testPairs] = [await readPairs(kitchen, "train", most), await readPairs(kitchen, "test", most)];
  const [phrases, testPhrases] = [await readPhrases(kitchen, "train", most), await readPhrases(kitchen, "test", most)];
  const related = pairs.map(({ first, second }) => [first, second]);
  const sentences = [...captions, ...phrases.map(({ text }) => text)];
  const file = await trainWordPieceTokenizer([...speeches.flat(), ...related.flat(), ...sentences], { vocabSize });
  const tokenizer = loadTokenizer(file);
  const encode = (text: string): Int32Array => tokenizer.encode(text, { addSpecialTokens: false }).slice(0, maxTokens);
  const pairOf = ({ first, second, label }: RawPair): LabelledPair => ({
    first: encode(first),
    second: encode(second),
    label,
  });
  const textOf = ({ text, label }: { text: string; label: number }): LabelledText => ({ tokens: encode(text), label });
  const documentsOf = (texts: readonly (readonly string[])[]): Int32Array[][] =>
    texts.map((lines) => lines.map(encode).filter(({ length }) => length > 0)).filter(({ length }) => length > 1);
  const encodedPairs = documentsOf(related);
  return {
    ...{ file, tokenizer },
    documents: [...documentsOf(speeches), ...encodedPairs],
    numPairs: encodedPairs.length,
    sentences: sentences.map(encode).filter(({ length }) => length > 0),
    entailment: { train: pairs.map(pairOf), test: testPairs.map(pairOf) },
    sentiment: { train: phrases.map(textOf), test: testPhrases.map(textOf) },
  };
}

import type { JsonObject } from "@heed/checkpoints";
import type { Decoder } from "../decoder.ts";
import { type DecoderConfig, decoderModel } from "../decoder-model.ts";
import type { SequenceClassifier } from "../sequence-classifier.ts";
import { checkWritten } from "./check-written.ts";
import { type Classified, type ClassifierTraits, withClassifier } from "./classifier-family.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";

/** Their names of the parts of a decoder; a part that a family never has may be left out. `*` stands for the layer. */
export interface DecoderNames {
  readonly tokens: string;
  readonly positions?: string;
  readonly embeddingNorm?: string;
  /** how the names of a block begin, with `*` */
  readonly block: string;
  readonly norm1: string;
  readonly norm2?: string;
  readonly qkv?: string;
  readonly query?: string;
  readonly key?: string;
  readonly value?: string;
  readonly queryNorm?: string;
  readonly keyNorm?: string;
  readonly output: string;
  readonly expand: string;
  readonly contract: string;
  readonly norm?: string;
  /** default lm_head */
  readonly head?: string;
}

const affine = (ours: string, theirs: string): WeightRow[] => [
  { ours: `${ours}.gain`, theirs: `${theirs}.weight` },
  { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
];

/** Options of {@link decoderRows}. */
export interface RowOptions {
  /** linear weights of blocks are stored [in, out], as Conv1D of GPT-2 has them */
  readonly transposed?: boolean;
  /** order of the rows of the fused projection: see `groupedRows` */
  readonly qkvRows?: readonly number[] | undefined;
  /** headNorm wraps the projection */
  readonly headNorm?: boolean | undefined;
  /** clip wraps the projection */
  readonly clipped?: boolean;
}

/** The table of weights of a decoder, from their names of its parts. */
export function decoderRows(names: DecoderNames, options: RowOptions = {}): WeightRow[] {
  const { transposed = false, qkvRows, headNorm = false, clipped = false } = options;
  const ours = "stack.blocks.*.";
  const projection = `attention.projection${headNorm ? ".projection" : ""}${clipped ? ".projection" : ""}`;
  const linear = (part: string, theirs: string | undefined, rows?: readonly number[]): WeightRow[] =>
    theirs === undefined
      ? []
      : [
          {
            ours: `${ours}${part}.weight`,
            theirs: `${names.block}${theirs}.weight`,
            ...(transposed && { transposed }),
            ...(rows && { rows }),
          },
          { ours: `${ours}${part}.bias`, theirs: `${names.block}${theirs}.bias`, ...(rows && { rows }) },
        ];
  const norm = (part: string, theirs: string | undefined): WeightRow[] =>
    theirs === undefined ? [] : affine(ours + part, names.block + theirs);
  const head = names.head ?? "lm_head";
  return [
    { ours: "stack.embedding.tokens.weight", theirs: `${names.tokens}.weight` },
    { ours: "stack.embedding.tokens.table.weight", theirs: `${names.tokens}.weight` },
    ...(names.positions ? [{ ours: "stack.embedding.position.table", theirs: `${names.positions}.weight` }] : []),
    ...(names.embeddingNorm ? affine("stack.embeddingNorm", names.embeddingNorm) : []),
    ...norm("norm1", names.norm1),
    ...linear(`${projection}.qkv`, names.qkv, qkvRows),
    ...linear(`${projection}.query`, names.query),
    ...linear(`${projection}.key`, names.key),
    ...linear(`${projection}.value`, names.value),
    ...norm("attention.projection.query", headNorm ? names.queryNorm : undefined),
    ...norm("attention.projection.key", headNorm ? names.keyNorm : undefined),
    ...linear("attention.output", names.output),
    ...norm("norm2", names.norm2),
    ...linear("feedForward.expand", names.expand),
    ...linear("feedForward.contract", names.contract),
    ...(names.norm ? affine("stack.norm", names.norm) : []),
    { ours: "head.weight", theirs: `${head}.weight`, outside: true },
    { ours: "head.bias", theirs: `${head}.bias`, outside: true },
  ];
}

/**
 * Where the rows of a fused projection stand whose file keeps, for each group of `size` query heads, those heads, their key head
 * and their value head together: ours has all query heads, then all key heads, then all value heads.
 */
export function groupedRows(numHeads: number, numKvHeads: number, dHead: number): number[] {
  const size = numHeads / numKvHeads;
  const start = (group: number, place: number): number => (group * (size + 2) + place) * dHead;
  const rowsAt = (from: number): number[] => Array.from({ length: dHead }, (_, i) => from + i);
  const heads = Array.from({ length: numHeads }, (_, h) => rowsAt(start(Math.floor(h / size), h % size)));
  const kv = (place: number) => Array.from({ length: numKvHeads }, (_, g) => rowsAt(start(g, place)));
  return [...heads, ...kv(size), ...kv(size + 1)].flat();
}

/** What one family of decoders says of itself. */
export interface DecoderFamilyParts {
  readonly modelType: string;
  /** in front of names of classes */
  readonly className: string;
  /** of the class with its head; default ForCausalLM */
  readonly headClass?: string;
  readonly prefix: string;
  readonly read: (read: ConfigReader) => DecoderConfig;
  /** without architectures, model_type and what every family has */
  readonly write: (config: DecoderConfig) => JsonObject;
  readonly floatKeys: readonly string[];
  readonly rows: (config: DecoderConfig) => readonly WeightRow[];
  readonly isIgnored?: (name: string) => boolean;
  /** their name of the token embedding */
  readonly tokens: string;
  /** their name of the head; default lm_head */
  readonly head?: string;
  /** of the class that classifies sequences; default ForSequenceClassification, which reads the last real token */
  readonly classifier?: Partial<ClassifierTraits>;
}

/** A family whose models `decoderModel` builds, or classifiers of sequences on them. */
export function decoderFamily(
  parts: DecoderFamilyParts,
): ModelFamily<Classified<DecoderConfig>, Decoder | SequenceClassifier> {
  const { className, classifier } = parts;
  return withClassifier(languageFamily(parts), {
    architecture: `${className}ForSequenceClassification`,
    bare: `${className}Model`,
    ...classifier,
  });
}

function languageFamily(parts: DecoderFamilyParts): ModelFamily<DecoderConfig, Decoder> {
  const { modelType, className, headClass = `${className}ForCausalLM`, tokens, head = "lm_head" } = parts;
  const bare = `${className}Model`;
  return {
    modelType,
    architectures: [headClass, bare],
    bare: [bare],
    readConfig(json, architecture) {
      const read = new ConfigReader(modelType, json);
      const { headBias, headSize, ...config } = parts.read(read);
      read.finish();
      // The model without its head is built with a tied one, which has no weights.
      if (architecture === bare) return { ...config, tieHead: true };
      return { ...config, ...(headBias && { headBias }), ...(headSize !== undefined && { headSize }) };
    },
    writeConfig(config) {
      const json = {
        architectures: [headClass],
        model_type: modelType,
        // Absent, they would mean tokens of the published vocabulary.
        bos_token_id: null,
        eos_token_id: null,
        ...parts.write(config),
        torch_dtype: "float32",
        use_cache: true,
      };
      checkWritten(modelType, config, parts.read(new ConfigReader(modelType, json)));
      return json;
    },
    floatKeys: [...parts.floatKeys, "initializer_range"],
    build: decoderModel,
    numLayers: ({ numLayers }) => numLayers,
    weights: parts.rows,
    prefix: parts.prefix,
    isIgnored: (name) => parts.isIgnored?.(name) ?? false,
    copies: ({ tieHead = true }) => new Map(tieHead ? [[`${head}.weight`, `${tokens}.weight`]] : []),
    isHead: (name) => name === `${head}.weight` || name === `${head}.bias`,
  };
}

/** Sizes that most families write under the same names. */
export const usualSizes = (config: DecoderConfig): JsonObject => ({
  hidden_size: config.dModel,
  initializer_range: config.initStd ?? 0.02,
  num_attention_heads: config.numHeads,
  num_hidden_layers: config.numLayers,
  vocab_size: config.vocabSize,
});

/** As `usualSizes`, under the names of GPT's first files, and the rates that stand beside them. */
export const gptSizes = (config: DecoderConfig): JsonObject => ({
  attn_pdrop: config.attentionDropout ?? 0,
  embd_pdrop: config.embeddingDropout ?? 0,
  initializer_range: config.initStd ?? 0.02,
  layer_norm_epsilon: config.normEpsilon ?? 1e-5,
  n_embd: config.dModel,
  n_head: config.numHeads,
  n_layer: config.numLayers,
  n_positions: config.maxSeqLen,
  resid_pdrop: config.residualDropout ?? 0,
  tie_word_embeddings: config.tieHead ?? true,
  vocab_size: config.vocabSize,
});

import {
  fieldOf,
  fields,
  finite,
  flag,
  isFields,
  listOf,
  oneOf,
  optional,
  type Rule,
  rule,
  text,
  tuple,
  wholeNumber,
} from "./rules.ts";

/** What each type that can fill one slot of the file must be. */
type Table = { readonly [type: string]: Rule };

/** A component of one of the table's types, with the fields that type needs. */
function component(table: Table): Rule {
  return (value, path) => {
    if (!isFields(value)) return { path, expected: "an object", value };
    const type = fieldOf(value, "type");
    if (typeof type !== "string" || !Object.hasOwn(table, type)) {
      return { path: `${path}.type`, expected: `one of ${Object.keys(table).join(", ")}`, value: type };
    }
    return table[type]!(value, path);
  };
}

/** A list of components of the same slot. The table is looked up later, since it holds this rule itself. */
function sequence(table: () => Table): Rule {
  return listOf((value, path) => component(table())(value, path));
}

const pattern: Rule = rule('an object with a string "String" or "Regex"', (value) => {
  if (!isFields(value)) return false;
  const given = [fieldOf(value, "String"), fieldOf(value, "Regex")].filter((part) => part !== undefined);
  return given.length === 1 && typeof given[0] === "string";
});
const prependScheme = optional(oneOf("always", "never", "first"));
const byteLevel = fields({ add_prefix_space: optional(flag), trim_offsets: optional(flag), use_regex: optional(flag) });
const metaspace = fields({
  replacement: optional(text),
  str_rep: optional(text),
  prepend_scheme: prependScheme,
  add_prefix_space: optional(flag),
});
const ends = fields({ sep: tuple(text, wholeNumber(0)), cls: tuple(text, wholeNumber(0)) });

const normalizers: Table = {
  BertNormalizer: fields({
    clean_text: optional(flag),
    handle_chinese_chars: optional(flag),
    strip_accents: optional(flag),
    lowercase: optional(flag),
  }),
  Precompiled: fields({ precompiled_charsmap: optional(text) }),
  Sequence: fields({ normalizers: sequence(() => normalizers) }),
  Replace: fields({ pattern, content: text }),
  Prepend: fields({ prepend: text }),
  Strip: fields({ strip_left: optional(flag), strip_right: optional(flag) }),
  StripAccents: fields({}),
  Lowercase: fields({}),
  NFC: fields({}),
  NFD: fields({}),
  NFKC: fields({}),
  NFKD: fields({}),
};

const split: Rule = (value, path) => {
  const removes = isFields(value) && fieldOf(value, "behavior") === "Removed";
  const invert = removes
    ? optional(flag)
    : rule('false where behavior is "Isolated"', (given) => given === undefined || given === null || given === false);
  return fields({ pattern, behavior: oneOf("Isolated", "Removed"), invert })(value, path);
};

/** Only the ways of splitting that the library really does: it takes the other ones of `Split` and `Punctuation` for these. */
const preTokenizers: Table = {
  BertPreTokenizer: fields({}),
  ByteLevel: byteLevel,
  Digits: fields({ individual_digits: optional(flag) }),
  FixedLength: fields({ length: wholeNumber(1) }),
  Metaspace: metaspace,
  Punctuation: fields({ behavior: oneOf("Contiguous") }),
  Replace: fields({ pattern, content: text }),
  Sequence: fields({ pretokenizers: sequence(() => preTokenizers) }),
  Split: split,
  Whitespace: fields({}),
  WhitespaceSplit: fields({}),
};

const templatePiece: Rule = (value, path) => {
  if (isFields(value) && Object.hasOwn(value, "SpecialToken"))
    return fields({ SpecialToken: fields({ id: text, type_id: wholeNumber(0) }) })(value, path);
  return fields({ Sequence: fields({ id: oneOf("A", "B"), type_id: wholeNumber(0) }) })(value, path);
};

const postProcessors: Table = {
  TemplateProcessing: fields({ single: listOf(templatePiece), pair: optional(listOf(templatePiece)) }),
  ByteLevel: byteLevel,
  BertProcessing: ends,
  RobertaProcessing: ends,
  Sequence: fields({ processors: sequence(() => postProcessors) }),
};

const decoders: Table = {
  ByteLevel: byteLevel,
  WordPiece: fields({ prefix: optional(text), cleanup: optional(flag) }),
  Metaspace: metaspace,
  BPEDecoder: fields({ suffix: optional(text) }),
  CTC: fields({ pad_token: optional(text), word_delimiter_token: optional(text), cleanup: optional(flag) }),
  Sequence: fields({ decoders: sequence(() => decoders) }),
  Replace: fields({ pattern, content: text }),
  Fuse: fields({}),
  Strip: fields({ content: text, start: wholeNumber(0), stop: wholeNumber(0) }),
  ByteFallback: fields({}),
};

const noText = rule('null or ""', (value) => value === undefined || value === null || value === "");
const vocabObject = rule("an object of ids by token", isFields);
const merge: Rule = (value, path) =>
  typeof value === "string"
    ? rule("two tokens with one space between", (line) => /^[^ ]+ [^ ]+$/.test(line as string))(value, path)
    : tuple(text, text)(value, path);

const models: Table = {
  WordLevel: fields({ vocab: vocabObject, unk_token: text }),
  BPE: fields({
    vocab: vocabObject,
    merges: listOf(merge),
    unk_token: optional(text),
    continuing_subword_prefix: noText, // the library does not apply one
    end_of_word_suffix: optional(text),
    fuse_unk: optional(flag),
    byte_fallback: optional(flag),
    ignore_merges: optional(flag),
  }),
  WordPiece: fields({
    vocab: vocabObject,
    unk_token: text,
    continuing_subword_prefix: text,
    max_input_chars_per_word: optional(wholeNumber(1)),
  }),
  Unigram: fields({
    vocab: listOf(tuple(text, finite)),
    unk_id: wholeNumber(0),
    byte_fallback: rule("false or nothing", (value) => value === undefined || value === null || value === false),
  }),
};

const addedToken = fields({
  id: wholeNumber(0),
  content: rule("a string that is not empty", (value) => typeof value === "string" && value !== ""),
  single_word: optional(flag),
  lstrip: optional(flag),
  rstrip: optional(flag),
  normalized: optional(flag),
  special: optional(flag),
});

/** Everything a `tokenizer.json` must be for the library to run it as it was meant. */
export const tokenizerFileRule: Rule = fields({
  version: optional(text),
  added_tokens: optional(listOf(addedToken)),
  normalizer: optional(component(normalizers)),
  pre_tokenizer: optional(component(preTokenizers)),
  post_processor: optional(component(postProcessors)),
  decoder: optional(component(decoders)),
  model: component(models),
});

import { fieldOf, isFields } from "../rules.ts";
import type { TokenizerComponent, TokenizerFile } from "../tokenizer-file.ts";

/** One place of a template: a text, or a special token; each with the segment it belongs to. */
export type TemplatePiece =
  | { readonly kind: "text"; readonly which: 0 | 1; readonly segment: number }
  | { readonly kind: "token"; readonly token: string; readonly segment: number };

/** What a file puts around one text and around two. */
export interface Template {
  readonly single: readonly TemplatePiece[];
  readonly pair: readonly TemplatePiece[];
}

const text = (which: 0 | 1, segment: number): TemplatePiece => ({ kind: "text", which, segment });
const token = (content: string, segment: number): TemplatePiece => ({ kind: "token", token: content, segment });

const bare: Template = { single: [text(0, 0)], pair: [text(0, 0), text(1, 1)] };

/** The rules of the file saw to it that a piece is a Sequence "A" or "B" or a SpecialToken. */
function pieceOf(piece: unknown): TemplatePiece {
  const [kind, value] = Object.entries(isFields(piece) ? piece : {})[0] ?? [];
  const id = String(isFields(value) ? fieldOf(value, "id") : "");
  const segment = Number(isFields(value) ? fieldOf(value, "type_id") : 0);
  return kind === "Sequence" ? text(id === "B" ? 1 : 0, segment) : token(id, segment);
}

function fromTemplate({ single, pair }: TokenizerComponent): Template {
  const list = (pieces: unknown): TemplatePiece[] | undefined =>
    Array.isArray(pieces) && pieces.length > 0 ? pieces.map(pieceOf) : undefined;
  return { single: list(single) ?? bare.single, pair: list(pair) ?? bare.pair };
}

/** [CLS] a [SEP] and [CLS] a [SEP] b [SEP]; Roberta has two separators between and one segment for all. */
function fromEnds({ type, cls, sep }: TokenizerComponent): Template {
  const [first] = cls as readonly [string];
  const [end] = sep as readonly [string];
  const isRoberta = type === "RobertaProcessing";
  const second = isRoberta ? 0 : 1;
  const single = [token(first, 0), text(0, 0), token(end, 0)];
  return { single, pair: [...single, ...(isRoberta ? [token(end, 0)] : []), text(1, second), token(end, second)] };
}

/** The template of a file's post-processor. */
export function templateOf({ post_processor: processor }: Pick<TokenizerFile, "post_processor">): Template {
  if (processor?.type === "TemplateProcessing") return fromTemplate(processor);
  if (processor?.type === "BertProcessing" || processor?.type === "RobertaProcessing") return fromEnds(processor);
  if (processor?.type !== "Sequence") return bare;
  const inner = processor["processors"] as unknown as readonly TokenizerComponent[];
  const found = inner.map((part) => templateOf({ post_processor: part })).filter((part) => part !== bare);
  return found[0] ?? bare;
}

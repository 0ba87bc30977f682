/** Writes protocol buffer messages: fields in, bytes out. Only what an ONNX model needs. */

/** The bytes of a message, or of a part of one. */
export type Bytes = readonly number[];

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

const key = (field: number, wire: number): number[] => varint(field * 8 + wire);

/** A non-negative whole number, up to 2 ** 53. */
export function integerField(field: number, value: number): Bytes {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(
      `integerField: value is not writable, expected a whole number from 0 to 2 ** 53, got ${value}. Pass a size, an offset or an enum's number.`,
    );
  }
  return [...key(field, VARINT), ...varint(value)];
}

/** A float32. */
export function floatField(field: number, value: number): Bytes {
  return [...key(field, FIXED_32), ...new Uint8Array(Float32Array.of(value).buffer)];
}

/** A string, as UTF-8. */
export function textField(field: number, value: string): Bytes {
  return messageField(field, [...new TextEncoder().encode(value)]);
}

/** A nested message (or raw bytes). */
export function messageField(field: number, content: Bytes): Bytes {
  return [...key(field, LENGTH_DELIMITED), ...varint(content.length), ...content];
}

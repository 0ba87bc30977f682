// The two classes are in every browser and Node, but not in the ES2022 library this package is compiled against.
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** The text that `bytes` hold as UTF-8, or undefined where they are not valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** `text` as UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The chunks one after the other in one array. */
export function concatBytes(chunks: Iterable<Uint8Array>): Uint8Array {
  const all = [...chunks];
  const result = new Uint8Array(all.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of all) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

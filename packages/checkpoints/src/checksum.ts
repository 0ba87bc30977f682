// Eight tables of 256 entries: byte b at distance k from the end of an eight-byte group contributes tables[k * 256 + b].
let tables: Uint32Array | undefined;

function makeTables(): Uint32Array {
  const t = new Uint32Array(8 * 256);
  for (let b = 0; b < 256; b++) {
    let c = b;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    t[b] = c >>> 0;
  }
  for (let i = 256; i < t.length; i++) {
    const previous = t[i - 256] ?? 0;
    t[i] = (previous >>> 8) ^ (t[previous & 255] ?? 0);
  }
  return t;
}

/**
 * CRC-32 of `bytes`, as zip, gzip and PNG use it (polynomial 0x04C11DB7 reflected). Detects every burst of up to 32
 * bits and misses other damage once in 4 billion; it guards against accidents, not against an attacker.
 *
 * Cost: linear, eight bytes a step.
 *
 * @param previous the result for the bytes before these, to compute a checksum in pieces; default 0 (no bytes)
 * @returns an integer from 0 to 2^32 - 1
 * @see RFC 1952, section 8 (CRC-32); check value 0xCBF43926 for the ASCII digits 1 to 9.
 * @example
 * crc32(new Uint8Array([49, 50, 51, 52, 53, 54, 55, 56, 57])).toString(16); // "cbf43926"
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  tables ??= makeTables();
  const t = tables;
  const at = (i: number): number => t[i] ?? 0;
  let crc = ~previous;
  let i = 0;
  for (const stop = bytes.length - 7; i < stop; i += 8) {
    const low =
      crc ^ ((bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24));
    crc =
      at(1792 + (low & 255)) ^
      at(1536 + ((low >>> 8) & 255)) ^
      at(1280 + ((low >>> 16) & 255)) ^
      at(1024 + (low >>> 24)) ^
      at(768 + (bytes[i + 4] ?? 0)) ^
      at(512 + (bytes[i + 5] ?? 0)) ^
      at(256 + (bytes[i + 6] ?? 0)) ^
      at(bytes[i + 7] ?? 0);
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ at((crc ^ (bytes[i] ?? 0)) & 255);
  return ~crc >>> 0;
}

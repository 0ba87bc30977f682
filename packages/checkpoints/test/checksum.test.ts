import { expect, test } from "vitest";
import { crc32 } from "../src/checksum.ts";
import { encodeUtf8 } from "../src/text.ts";

/** One bit at a time, from the definition. */
function naive(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const feedback = (crc ^ (byte >> bit)) & 1;
      crc = (crc >>> 1) ^ (feedback ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

test("published check values", () => {
  expect(crc32(encodeUtf8("123456789"))).toBe(0xcbf43926);
  expect(crc32(encodeUtf8("The quick brown fox jumps over the lazy dog"))).toBe(0x414fa339);
  expect(crc32(new Uint8Array())).toBe(0);
});

test("equals the definition for every length to 100 and every cut into two pieces", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => (i * 197 + 31) & 255);
  for (let length = 0; length <= 100; length++) {
    const part = bytes.subarray(0, length);
    expect(crc32(part)).toBe(naive(part));
    expect(crc32(bytes.subarray(length), crc32(part))).toBe(naive(bytes));
  }
});

test("every single flipped bit of 64 bytes is seen", () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
  const whole = crc32(bytes);
  for (let bit = 0; bit < 512; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
    expect(crc32(flipped)).not.toBe(whole);
  }
});

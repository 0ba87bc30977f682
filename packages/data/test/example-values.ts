// What the examples in docstrings take for granted.
export const tokens = Int32Array.from({ length: 1000 }, (_, i) => i % 50);

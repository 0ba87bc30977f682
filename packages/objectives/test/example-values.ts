// What the examples in docstrings take for granted.
export const test = (name: string, run: () => void): number => name.length + run.length;

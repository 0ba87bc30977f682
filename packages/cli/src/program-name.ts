/**
 * How the user calls this program, from the environment that npm sets: in the repository `npm run --silent heed --`,
 * elsewhere `npx heed`.
 */
export function programName(env: Readonly<Record<string, string | undefined>>): string {
  return env["npm_package_name"] === "heed-repository" ? "npm run --silent heed --" : "npx heed";
}

/** A path or other word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

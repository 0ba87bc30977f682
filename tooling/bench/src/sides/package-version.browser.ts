/** `package-version.ts` in a bundle for pages: the versions were written into it. */
declare const BUNDLED_VERSIONS: Readonly<Record<string, string>>;

/** Version of a package that the bundle holds. */
export function packageVersion(name: string): string {
  return BUNDLED_VERSIONS[name] ?? "unknown";
}

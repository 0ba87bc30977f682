/** What the keys of a configuration may hold. */
export interface ConfigRules {
  /** whole numbers >= 1 */
  readonly counts?: readonly string[];
  /** whole numbers >= 1, or absent */
  readonly optionalCounts?: readonly string[];
  /** whole numbers >= 0, or absent */
  readonly optionalWholes?: readonly string[];
  /** probabilities in [0, 1), or absent */
  readonly rates?: readonly string[];
  /** finite numbers >= 0, or absent */
  readonly sizes?: readonly string[];
  /** true or false, or absent */
  readonly flags?: readonly string[];
  /** one of these names, or absent */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

/** Throws a RangeError that names the first key of a configuration that is unknown or out of range. */
export function checkConfig(where: string, config: object, rules: ConfigRules): void {
  const values = new Map<string, unknown>(Object.entries(config));
  const { counts = [], optionalCounts = [], optionalWholes = [], rates = [], sizes = [], flags = [] } = rules;
  const choices = Object.entries(rules.choices ?? {});
  const known = [...counts, ...optionalCounts, ...optionalWholes, ...rates, ...sizes, ...flags];
  known.push(...choices.map(([key]) => key));
  const strange = [...values.keys()].find((key) => !known.includes(key));
  if (strange !== undefined)
    throw new RangeError(`${where}: config has an unknown key, expected one of ${known.join(", ")}, got ${strange}`);
  const check = (keys: readonly string[], expected: string, fits: (value: unknown) => boolean): void => {
    for (const key of keys)
      if (!fits(values.get(key)))
        throw new RangeError(`${where}: ${key} is out of range, expected ${expected}, got ${String(values.get(key))}`);
  };
  const orAbsent = (fits: (value: unknown) => boolean) => (value: unknown) => value === undefined || fits(value);
  const isWhole = (low: number) => (value: unknown) => Number.isSafeInteger(value) && (value as number) >= low;
  const isNumber = (value: unknown): value is number => typeof value === "number" && value >= 0 && value < Infinity;
  check(counts, "a whole number >= 1", isWhole(1));
  check(optionalCounts, "a whole number >= 1", orAbsent(isWhole(1)));
  check(optionalWholes, "a whole number >= 0", orAbsent(isWhole(0)));
  check(
    rates,
    "a probability in [0, 1)",
    orAbsent((value) => isNumber(value) && value < 1),
  );
  check(sizes, "a finite number >= 0", orAbsent(isNumber));
  check(
    flags,
    "true or false",
    orAbsent((value) => typeof value === "boolean"),
  );
  for (const [key, names] of choices)
    check(
      [key],
      `one of ${names.join(", ")}`,
      orAbsent((value) => names.some((name) => name === value)),
    );
}

/** Throws a RangeError unless heads of one width fill the model. @param hint what else to try, as a sentence */
export function checkHeads(
  where: string,
  { dModel, numHeads }: { readonly dModel: number; readonly numHeads: number },
  hint = "",
): void {
  if (dModel % numHeads !== 0)
    throw new RangeError(
      `${where}: numHeads does not divide the width, expected a divisor of dModel=${dModel}, got ${numHeads}${hint && `. ${hint}`}`,
    );
}

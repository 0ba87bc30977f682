import type { Rng } from "@heed/tensor";

/** What the names in a template stand for. */
export type Bindings = { readonly [name: string]: string };

/** One of the items, each equally likely. */
export function pick<T>(random: Rng, items: readonly T[]): T {
  return items[random.nextInteger(items.length)]!;
}

/** `count` different items in random order. */
export function pickSeveral<T>(random: Rng, items: readonly T[], count: number): T[] {
  const rest = [...items];
  return Array.from({ length: count }, () => rest.splice(random.nextInteger(rest.length), 1)[0]!);
}

const CHOICE = /\[([^[\]]*)\]/;

/**
 * Text from a template: `[a|b]` is one of the alternatives, innermost first, `{name}` a binding, and `a(n)` becomes
 * the article that fits the next word. Sentences begin with a capital.
 *
 * @throws RangeError for a name without a binding
 */
export function expand(random: Rng, template: string, bindings: Bindings): string {
  let text = template;
  for (let found = CHOICE.exec(text); found; found = CHOICE.exec(text)) {
    text = text.slice(0, found.index) + pick(random, found[1]!.split("|")) + text.slice(found.index + found[0].length);
  }
  text = text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = bindings[name];
    if (value === undefined)
      throw new RangeError(
        `expand: template has the name {${name}}, expected one of ${Object.keys(bindings).join(", ")}`,
      );
    return value;
  });
  return capitalize(
    text.replace(
      /\b([Aa])\(n\) (?=(\w))/g,
      (_, a: string, next: string) => `${a}${"aeiou".includes(next.toLowerCase()) ? "n" : ""} `,
    ),
  );
}

/** Capital letters at the start of the text, of a line and of a sentence; not after a closing quote, where `"Who?" asked the owl` goes on. */
function capitalize(text: string): string {
  return text.replace(
    /(^|[.!?] |\n)("?)([a-z])/g,
    (_, before: string, quote: string, letter: string) => before + quote + letter.toUpperCase(),
  );
}

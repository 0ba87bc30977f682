import type { Rng } from "@heed/tensor";
import { type Bindings, pick, pickSeveral } from "./grammar.ts";
import {
  colors,
  days,
  feelings,
  foods,
  manners,
  months,
  numbers,
  type Person,
  people,
  places,
  seasons,
  sounds,
  things,
  treasures,
  weathers,
} from "./words.ts";

/** A person's words under a prefix: {a}, {aShe}, {ashe}, {aher}, {ahers}, {awork}, ... */
function bindPerson(prefix: string, { name, she, work, home, pet, petName, likes }: Person): Bindings {
  return {
    [prefix]: name,
    [`${prefix}She`]: she ? "She" : "He",
    [`${prefix}she`]: she ? "she" : "he",
    [`${prefix}her`]: she ? "her" : "him",
    [`${prefix}hers`]: she ? "her" : "his",
    [`${prefix}work`]: work,
    [`${prefix}home`]: home,
    [`${prefix}pet`]: pet,
    [`${prefix}petName`]: petName,
    [`${prefix}likes`]: likes,
  };
}

/** What one story is about: three people, three places and a few words of each kind, fixed from its first line to its last. */
export function drawWorld(random: Rng): Bindings {
  const [a, b, c] = pickSeveral(random, people, 3) as [Person, Person, Person];
  const [place, place2, place3] = pickSeveral(random, places, 3) as [string, string, string];
  const season = pick(random, seasons);
  const [feeling, feeling2] = pickSeveral(random, feelings, 2) as [string, string];
  return {
    ...bindPerson("a", a),
    ...bindPerson("b", b),
    ...bindPerson("c", c),
    place,
    place2,
    place3,
    season,
    feeling,
    feeling2,
    month: pick(random, months[season]!),
    day: pick(random, days),
    weather: pick(random, weathers[season]!),
    treasure: pick(random, treasures),
    color: pick(random, colors),
    hour: numbers[5 + random.nextInteger(6)]!,
    clock: `${5 + random.nextInteger(8)}:${pick(random, ["00", "15", "30", "45"])}`,
    sound: pick(random, sounds),
    manner: pick(random, manners),
    manner2: pick(random, manners),
  };
}

/** A number of things in words: "one egg", "three eggs", "no eggs". */
function count(n: number, [one, many]: readonly [string, string]): string {
  return `${n === 0 ? "no" : numbers[n]!} ${n === 1 ? one : many}`;
}

const capitalized = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

/** Numbers whose sums hold: {had} and {more} things make {sum}; {gone} of them go and {left} are left. */
export function drawCounts(random: Rng): Bindings {
  const thing = pick(random, things);
  const had = 2 + random.nextInteger(8);
  const more = 1 + random.nextInteger(9);
  const sum = had + more;
  const gone = 1 + random.nextInteger(sum - 1);
  const left = sum - gone;
  return {
    one: thing[0],
    many: thing[1],
    had: count(had, thing),
    more: numbers[more]!,
    moreOf: count(more, thing),
    sum: count(sum, thing),
    sumOnly: numbers[sum]!,
    SumOnly: capitalized(numbers[sum]!),
    gone: numbers[gone]!,
    goneOf: count(gone, thing),
    left: count(left, thing),
    Left: capitalized(count(left, thing)),
    leftOnly: numbers[left]!,
    was: left === 1 ? "was" : "were",
    hadOnly: numbers[had]!,
    foods: count(had, pick(random, foods)),
  };
}

import type { Rng } from "@heed/tensor";
import { type Bindings, pick, pickSeveral } from "./grammar.ts";
import { numbers, wildlife } from "./words.ts";

/** A short text: a template, and bindings of its own. */
export type ShortForm = (random: Rng) => { readonly template: string; readonly bindings: Bindings };

const portrait: ShortForm = () => ({
  template:
    "{a} is a {awork}. {aShe} lives {ahome}. [Every|Each] [morning|evening] {ashe} [feeds|brushes|talks to] {ahers} {apet}, whose name is {apetName}. " +
    "{a} likes {alikes}[, but {ashe} does not like {weather} days| more than anything|, and so does {b}]. [On {day} {ashe} meets {b} the {bwork} at the {place}.|When it is {weather}, {ashe} stays at home.|In {season} {ashe} walks to the {place}.]",
  bindings: {},
});

const questions: ShortForm = () => ({
  template:
    '"[Who lives {ahome}|Who is the {awork}|Who likes {alikes}|Whose {apet} is {apetName}]?" asked the teacher.\n"[{a}|{a} does|I think it is {a}|That is easy, it is {a}]!" said {b}.\n' +
    '"And what is the name of {b}\'s {bpet}?" "[{bpetName}|{b}\'s {bpet} is called {bpetName}|It is {bpetName}]," said {c} {manner}.',
  bindings: {},
});

const arithmetic: ShortForm = (random) => {
  const lines = Array.from({ length: 3 + random.nextInteger(3) }, () => {
    const x = random.nextInteger(11);
    const y = random.nextInteger(10);
    const [more, less] = [
      `${numbers[x]} and ${numbers[y]} make ${numbers[x + y]}`,
      `${numbers[x + y]} less ${numbers[y]} is ${numbers[x]}`,
    ];
    return pick(random, [more, less]);
  });
  return {
    template: `{a} the {awork} counted [on {ahers} fingers|aloud|{manner}]: ${lines.join(", ")}. "[Right|Correct|Very good]," said {b}.`,
    bindings: {},
  };
};

const naturalHistory: ShortForm = (random) => {
  const [first, second] = pickSeveral(random, wildlife, 2) as [(typeof wildlife)[number], (typeof wildlife)[number]];
  const [animal, food, motion, bed] = first;
  const [other, otherFood, otherMotion, otherBed] = second;
  return {
    template:
      "[The {animal} eats {food} and sleeps {bed}.|A(n) {animal} {motion} at dusk and sleeps {bed}.|Where does the {animal} sleep? {bed}, far from the {place}.] " +
      "[The {other}, however, eats {otherFood}.|The {other} {otherMotion}, but the {animal} {motion}.|Not so the {other}: it sleeps {otherBed} and eats {otherFood}.] [In {season} you may see both near the {place}.|{a} the {awork} once saw a(n) {other} at the {place}.|]",
    bindings: { animal, food, motion, bed, other, otherFood, otherMotion, otherBed },
  };
};

const fable: ShortForm = (random) => {
  const [[animal, food, , bed], [other, otherFood]] = pickSeveral(random, wildlife, 2) as [
    (typeof wildlife)[number],
    (typeof wildlife)[number],
  ];
  return {
    template:
      'A(n) {animal} and a(n) {other} met at the {place}. ["I am {feeling}," said the {animal}. "Have you any {food}?"|"Where do you sleep?" asked the {other}. "{bed}," said the {animal}.|"You look {feeling}," said the {other}.] ' +
      '"[I have only {otherFood}|There is {food} behind the {place2}|Come with me to the {place2}]," said the {other} {manner}. [So they shared it, and both were {feeling2}.|But the {animal} did not believe it and went hungry.|They went together, and neither was alone.]\n' +
      "[Who shares, eats twice.|A friend is worth more than {food}.|Ask before you [run|cry|sleep].|Better a small supper than a big promise.|Trust is a bridge: build it before the flood.]",
    bindings: { animal, food, bed, other, otherFood },
  };
};

const notice: ShortForm = () => ({
  template:
    "[NOTICE|NEWS|TO ALL]: On {day} the {place} [will be closed|opens at {clock}|needs new paint][ because of the {weather} weather| until {month}|, says {c} the {cwork}|]. " +
    "[Bring {moreOf} and a(n) {color} cup.|{a} has lost a(n) {treasure}. Whoever finds it gets {moreOf}.|Dogs, goats and {feeling} people are welcome.|The cart leaves at {clock} (no {many}, please).] Signed, {b}.",
  bindings: {},
});

const song: ShortForm = () => ({
  template:
    "[Oh|Hey|Ho], the {color} wind is blowing,\n[over|past|around] the {place} it goes,\nand where the [river|water|road] is going\n[not even|only|surely] {a} knows.\n" +
    "[Sing|Sleep|Row], {a}, [sing|sleep|row], {b}, [till|until] the night is done,\nthere is [bread|light|room] for {more} in the [mill|inn|boat] and a place in the sun.",
  bindings: {},
});

const recipe: ShortForm = () => ({
  template:
    "How {a} makes [soup|porridge|stew|pie]: take {foods}, {more} [cups|spoons] of [flour|milk|water|honey] and a little [salt|butter|pepper]. [Stir|Cook|Mix] it [slowly|well|with care] until it is [thick|warm|brown]. " +
    "[Add|Do not add] [onions|plums|more salt|cheese]. [Serve it {manner} to {b}.|It is enough for {more} people, or for one {bwork}.|{apetName} the {apet} may lick the spoon.]",
  bindings: {},
});

/** Every short form, as often as it should come up. */
export const shortForms: readonly ShortForm[] = [
  portrait,
  portrait,
  questions,
  arithmetic,
  naturalHistory,
  fable,
  notice,
  song,
  recipe,
];

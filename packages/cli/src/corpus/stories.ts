/**
 * Plots: each is a list of moments, each moment a list of ways to tell it. Two moments with an empty line between them
 * begin a new paragraph.
 */
export type Plot = readonly (readonly string[])[];

const openings: readonly string[] = [
  "It was a(n) {weather} morning in {month}.",
  "One {weather} {day} in {season}, the valley was [quiet|busy|still half asleep].",
  "[Early|Late] on {day} [the bells rang|the fog lifted|a cold wind came down from the hills].",
  "Nobody [in the valley|at the {place}] had seen such a(n) {weather} {day} before.",
  "That {season} the days were {weather} and the [evenings|nights] were long.",
];

const introductions: readonly string[] = [
  "{a} the {awork} was on {ahers} way to the {place}, and {ahers} {apet} {apetName} came along.",
  "{a}, the {awork}, who lived {ahome}, felt {feeling}.",
  "{a} the {awork} had work to do at the {place}, but {ashe} could think of nothing but {alikes}.",
  "At the {place} stood {a} the {awork} with {ahers} {apet}, whose name was {apetName}.",
];

const endings: readonly string[] = [
  "In the evening they [sat|talked|laughed] together at the {place}, and {a} was alone no more.",
  "And from that day on, {a} and {b} were [good friends|the best of friends|never apart for long].",
  "{a} went home [under the stars|in the last light|through the {place3}], and {apetName} the {apet} was already asleep.",
  '"What a day," said {a}. "Tomorrow I will [sleep until noon|bake a cake|stay in bed|tell everyone]."',
  "That is why, to this day, people at the {place} [smile|laugh|shake their heads] when they hear the name of {a}.",
];

const lost: Plot = [
  openings,
  introductions,
  [
    "{aShe} reached into {ahers} [bag|pocket|basket] and stopped. The {treasure} was gone!",
    "But where was the {treasure}? {aShe} had [carried|kept|hidden] it for years, and now it was gone.",
  ],
  [
    '\n"Have you seen my {treasure}?" {ashe} asked {b} {manner}.',
    '\n"I have lost my {treasure}," {ashe} told {b} the {bwork}. "Will you help me?"',
  ],
  [
    '\n"No," said {b}, "but {c} was at the {place2} this morning. Ask {cher}."',
    '\n"Look near the {place2}," {b} answered {manner2}. "{c} the {cwork} finds everything."',
  ],
  [
    "\nSo they walked to the {place2}, where {c} the {cwork} [sat|stood|waited] with {chers} {cpet}.",
    "\n{a} ran to the {place2} as fast as {ashe} could, and {b} followed {ahers} {apet}.",
  ],
  [
    '"Is this yours?" asked {c}, and held up the {treasure}. "{cpetName} found it [under a bush|behind a barrel|in the grass]."',
    "{cpetName} the {cpet} had something in the [grass|straw|snow]. It was the {treasure}!",
  ],
  [
    '\n"[Thank you|Thank you, thank you|A thousand thanks|I can\'t thank you enough]," said {a}. "I was so {feeling2}."',
    "{a} was so happy that {ashe} [sang|danced|cried] in the middle of the road.",
  ],
  endings,
];

const sum: Plot = [
  openings,
  [
    "{a} the {awork} had {had} to sell at the {place}.",
    "{a} the {awork} put {had} into a basket and walked to the {place}.",
    "On the table of {a} the {awork} lay {had}.",
  ],
  [
    "Then {b} the {bwork} brought {more} more.",
    "{b} came and gave {aher} {moreOf}.",
    "On the way {ashe} found {more} more beside the road.",
  ],
  [
    "Now {ashe} had {sum}.",
    '"{hadOnly} and {more} make {sumOnly}," {ashe} counted. "I have {sum}."',
    "That made {sum} in all.",
  ],
  [
    '\n"May I have {gone} of them?" asked {c} {manner}. "I will pay tomorrow."',
    "\n{c} the {cwork} [bought|took|wanted] {gone} of them for {chers} {cpet}.",
    "\nBut the basket had a hole, and {goneOf} fell into the [mud|river|snow].",
  ],
  [
    "So {left} {was} left.",
    "{SumOnly} less {gone} is {leftOnly}, so {left} {was} left.",
    "How many were left? {Left}, said {a}, and counted again.",
  ],
  endings,
];

const storm: Plot = [
  [
    "In {month} a storm came over the {place}.",
    "The storm began on {day} at {clock}; by {hour} o'clock it was dark.",
    "First the sky turned {color}, then the storm came.",
  ],
  [
    "The wind pulled at the [doors|roofs|trees], and the rain [beat|drummed] on every window.",
    "[Branches|Tiles|Buckets] flew through the air, and {b}'s {bpet} hid under the bed.",
  ],
  ["{a} the {awork} sat {ahome} and [listened|waited|held {ahers} {apet}]."],
  ["Suddenly {ashe} heard {sound}.", "Through the noise came {sound}."],
  ['\n"Who is there?" {ashe} called.', '\n"Did you hear that, {apetName}?" {ashe} whispered to the {apet}.'],
  [
    'It was {b} the {bwork}, wet to the bone. "The {place2} is flooded," {bshe} said, "and I cannot find {bpetName}!"',
    'At the door stood {b}. "Please help," said the {bwork}. "{bpetName} is still out there!"',
  ],
  [
    "They took [a lantern|a rope|two lanterns and a rope] and went out into the [dark|rain|night].",
    '"Then we must go," said {a}, and took {ahers} [coat|lantern|boots].',
  ],
  [
    "\nThey searched the {place2} first, then the {place3}. Nothing.",
    "\nFor an hour they [called|searched|walked], and the water rose to their knees.",
  ],
  [
    "At last they found the {bpet} [on a roof|in a tree|under a cart], wet and {feeling2}, but safe.",
    "Then {a} saw two eyes shine in the dark. It was {bpetName} the {bpet}!",
  ],
  [
    "By morning the storm was over, and the air smelled of [grass|earth|wet stone].",
    "When the sun came up, the whole valley [shone|glittered|steamed].",
  ],
  endings,
];

const contest: Plot = [
  [
    "Every {season} there is a contest at the {place}.",
    "On the first {day} of {month} the people of the valley hold a contest at the {place}.",
  ],
  ["The prize is a(n) {treasure}.", "Whoever wins gets a(n) {treasure}, and the others get soup."],
  [
    "This year {a} the {awork}, {b} the {bwork} and {c} the {cwork} wanted to win.",
    "Three came this time: {a}, {b} and {c}.",
  ],
  [
    '\n"I shall win," said {a}, "because I am the [fastest|strongest|cleverest]."',
    '\n"You cannot win without practice," {b} told {a} {manner}.',
  ],
  ['\n"We shall see," said {c} {manner2}.', "{c} only smiled and fed {chers} {cpet}."],
  [
    "First they had to [run to the {place2} and back|carry water from the {place2}|climb the wall of the {place2}].",
    "The first task was to find a(n) {color} stone at the {place2}.",
  ],
  [
    "{a} started too fast and [fell|lost a shoe|forgot the way].",
    "{b} was first at the {place2}, but then {bpetName} the {bpet} ran off, and {bshe} had to go after it.",
  ],
  ["\nSo it was {c} who won.", "\nIn the end {c} came in first, to the surprise of all."],
  [
    '\n"How did you do it?" asked {a}. "I did not hurry," said {c}, "and I did not stop."',
    '\n"You were [slow|late|last]," said {b}. "Yes," said {c}, "but I knew the way."',
  ],
  [
    "{cShe} [gave|lent|showed] the {treasure} to {a}, and all three ate soup together.",
    "{c} hung the {treasure} over {chers} door - and there it hangs still.",
  ],
];

const letter: Plot = [
  ["Dear {b},\n"],
  [
    "I am writing to you from the {place}, where it is {weather} today.",
    "I hope you are well. Here in {month} it is {weather}, and I am {feeling}.",
    "Thank you for the {treasure}. It came on {day}.",
  ],
  [
    "{apetName} the {apet} is well and sends you greetings.",
    "Yesterday {apetName} ran away to the {place2}, but {c} the {cwork} brought the {apet} back.",
  ],
  [
    "Do you still [live|sing|work] {bhome}?",
    "How is {bpetName}? Does the {bpet} still [sleep in your bed|steal your bread|wake you at five]?",
    "{c} says you are {feeling2}. Is it true?",
  ],
  [
    "Please come and visit me in {month}. We could walk to the {place3} and talk about {blikes}.",
    "I will come on {day} and bring you {moreOf}.",
  ],
  ["\nYour friend,\n{a}", "\nWith love,\n{a} the {awork}"],
];

const shop: Plot = [
  [
    '"Good [morning|day|evening], {b}," said {a}. "Have you any {many} today?"',
    '"{many}, please," said {a} the {awork} at the {place}.',
  ],
  [
    '\n"I have {sum}," said {b} the {bwork}. "How many do you need?"',
    '\n"How many?" asked {b} {manner}. "There are {sum} here."',
  ],
  ['\n"{gone}, please."', '\n"Give me {gone}," said {a}. "They are for {c} the {cwork}."'],
  [
    '\n"Then I have {left} left," said {b}. "That is [fine|good|enough]."',
    '\n"{sumOnly} less {gone} is {leftOnly}," said {b}, and wrote it down.',
  ],
  ['\n"And how is {apetName}?" {bshe} asked {manner2}.', '\n"Is it still {weather} outside?" {bshe} asked.'],
  [
    '\n"As {feeling} as ever," said {a}, and laughed. "[Until {day}|Goodbye|See you soon], {b}!"',
    '\n"Don\'t ask," said {a} with a sigh. "I must go. [Until {day}|Goodbye], {b}!"',
  ],
];

const secret: Plot = [
  openings,
  [
    "Behind the {place} there was a door that nobody had ever opened.",
    "{a} the {awork} had a secret: a(n) {treasure}, hidden near the {place}.",
  ],
  [
    "Only {b} knew about it, for {bshe} had seen it in [a dream|an old book|the light of the moon].",
    "{aShe} had told no one but {apetName} the {apet}, who could not speak.",
  ],
  ["\nOne night {ashe} heard {sound}.", "\nThen, on {day}, there came {sound} from behind the wall."],
  [
    '"[Come in|Come out|Show yourself]," said {a} {manner}, although {ashe} was {feeling}.',
    "{a} took a lantern and opened the door {manner}.",
  ],
  [
    "And who stood there? {c} the {cwork}, with a(n) {color} hat and a(n) {treasure}.",
    'Inside sat {c}, the {cwork}. "You took your time," {cshe} said {manner2}.',
  ],
  [
    '\n"A secret is like [bread|snow|a bird]," said {c}. "If you keep it too long, you lose it."',
    '\n"Keep it," said {c}, "but share it with {b}. Two can carry more than one."',
  ],
  endings,
];

const journey: Plot = [
  [
    "{a} the {awork} wanted to see what lay beyond the {place}.",
    'One day {a} said to {apetName} the {apet}: "Let us see the world."',
  ],
  [
    "So {ashe} packed {had}, a(n) {color} blanket and a map.",
    "{aShe} took only {ahers} {treasure} and {had}.",
    "{b} the {bwork} gave {aher} {had} for the road.",
  ],
  ["On {day} they reached the {place2}.", "The first night they slept at the {place2}, because it was {weather}."],
  [
    '\nThere {c} the {cwork} asked: "Where are you going?"',
    '\n"Are you lost?" asked {c}, who had come with {chers} {cpet}.',
  ],
  [
    '\n"I do not know yet," said {a}. "I go where {apetName} goes."',
    '\n"To the end of the road," said {a} {manner}. "Is it far?"',
  ],
  [
    '\n"[Then you will never be lost|Then take me along|Far enough]," said {c} {manner2}.',
    '\n"The end of the road is the {place3}," said {c}, "and it is very beautiful in {season}."',
  ],
  [
    "\nThey walked for {more} days, past the {place3} and over the hills.",
    "\nAfter {more} days they came to the {place3}, and there was the sea.",
  ],
  [
    "But in the evening {a} thought of {alikes}, and {ashe} turned back.",
    '"It is beautiful," said {a}, "but there is no {b} here." And so they went home.',
  ],
  endings,
];

/** Every plot, as often as it should come up. */
export const plots: readonly Plot[] = [lost, sum, sum, storm, contest, letter, shop, secret, journey];

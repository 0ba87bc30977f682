/** A person of the valley. Name, work, home and companion never change from one story to the next. */
export interface Person {
  readonly name: string;
  readonly she: boolean;
  readonly work: string;
  readonly home: string;
  readonly pet: string;
  readonly petName: string;
  readonly likes: string;
}

const person = (
  name: string,
  she: boolean,
  work: string,
  home: string,
  pet: string,
  petName: string,
  likes: string,
): Person => ({ name, she, work, home, pet, petName, likes });

/** Who lives in the valley. */
export const people: readonly Person[] = [
  person("Mara", true, "baker", "in the yellow house by the bridge", "cat", "Button", "warm bread"),
  person("Tobin", false, "fisher", "in a small hut at the lake", "heron", "Stilt", "quiet mornings"),
  person("Hana", true, "weaver", "above the wool shop", "goat", "Thistle", "bright thread"),
  person("Oskar", false, "miller", "in the mill below the hill", "donkey", "Barley", "loud songs"),
  person("Lena", true, "teacher", "beside the old school", "owl", "Professor", "hard questions"),
  person("Piet", false, "shepherd", "on the green hill", "dog", "Whistle", "long walks"),
  person("Ruth", true, "doctor", "across from the well", "parrot", "Ginger", "strong tea"),
  person("Anton", false, "carpenter", "behind the market", "crow", "Nail", "the smell of wood"),
  person("Sofia", true, "gardener", "inside the walled garden", "rabbit", "Radish", "rain in May"),
  person("Emil", false, "clockmaker", "in the narrow tower", "mouse", "Minute", "small wheels"),
  person("Vera", true, "captain", "on an old boat", "gull", "Anchor", "high waves"),
  person("Jonas", false, "postman", "at the end of the lane", "pony", "Stamp", "good news"),
  person("Clara", true, "painter", "under the tall roof", "fox", "Rust", "the color blue"),
  person("Felix", false, "cook", "next to the inn", "hen", "Pepper", "plum soup"),
  person("Ida", true, "beekeeper", "at the edge of the forest", "bear", "Clover", "dark honey"),
  person("Bruno", false, "blacksmith", "near the north gate", "horse", "Ember", "red iron"),
  person("Nora", true, "singer", "over the quiet square", "finch", "Echo", "old ballads"),
  person("Marek", false, "woodcutter", "deep in the forest", "badger", "Stump", "dry leaves"),
  person("Greta", true, "ferrywoman", "by the wide river", "otter", "Ripple", "slow water"),
  person("Simon", false, "librarian", "between the tall shelves", "spider", "Comma", "thick books"),
];

export const places: readonly string[] = [
  "market",
  "mill",
  "lake",
  "forest",
  "bridge",
  "school",
  "harbor",
  "garden",
  "old tower",
  "river",
  "green hill",
  "inn",
  "orchard",
  "library",
  "quiet square",
  "north gate",
  "long meadow",
  "empty barn",
  "stone well",
  "high pasture",
];

/** Things to count, own, lose and find: singular, plural. */
export const things: readonly (readonly [one: string, many: string])[] = [
  ["apple", "apples"],
  ["pear", "pears"],
  ["plum", "plums"],
  ["egg", "eggs"],
  ["candle", "candles"],
  ["basket", "baskets"],
  ["button", "buttons"],
  ["coin", "coins"],
  ["feather", "feathers"],
  ["lantern", "lanterns"],
  ["ribbon", "ribbons"],
  ["stone", "stones"],
  ["letter", "letters"],
  ["spoon", "spoons"],
  ["bell", "bells"],
  ["key", "keys"],
  ["book", "books"],
  ["map", "maps"],
  ["rope", "ropes"],
  ["cup", "cups"],
  ["blanket", "blankets"],
  ["nail", "nails"],
  ["shell", "shells"],
  ["onion", "onions"],
  ["carrot", "carrots"],
  ["loaf", "loaves"],
  ["knife", "knives"],
  ["leaf", "leaves"],
  ["fish", "fish"],
  ["brush", "brushes"],
  ["box", "boxes"],
  ["cherry", "cherries"],
];

export const foods: readonly (readonly [one: string, many: string])[] = [
  ["apple", "apples"],
  ["pear", "pears"],
  ["plum", "plums"],
  ["egg", "eggs"],
  ["onion", "onions"],
  ["carrot", "carrots"],
  ["turnip", "turnips"],
  ["potato", "potatoes"],
  ["mushroom", "mushrooms"],
];

/** Things somebody may treasure. */
export const treasures: readonly string[] = [
  "silver key",
  "brass bell",
  "green umbrella",
  "little drum",
  "wooden flute",
  "red scarf",
  "glass marble",
  "iron kettle",
  "leather book",
  "copper ring",
  "painted map",
  "blue lantern",
  "golden needle",
  "straw hat",
  "amber button",
  "old violin",
  "ivory comb",
  "velvet purse",
  "paper crown",
  "round mirror",
];

/** What the weather may be, by season. */
export const weathers: Readonly<Record<string, readonly string[]>> = {
  spring: ["sunny", "cloudy", "windy", "rainy", "mild", "stormy"],
  summer: ["sunny", "hot", "dry", "windy", "stormy", "warm"],
  autumn: ["cloudy", "windy", "rainy", "foggy", "stormy", "gray"],
  winter: ["snowy", "frosty", "foggy", "cold", "stormy", "icy"],
};
export const seasons: readonly string[] = ["spring", "summer", "autumn", "winter"];
export const months: Readonly<Record<string, readonly string[]>> = {
  spring: ["March", "April", "May"],
  summer: ["June", "July", "August"],
  autumn: ["September", "October", "November"],
  winter: ["December", "January", "February"],
};
export const days: readonly string[] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
export const numbers: readonly string[] = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
  "thirteen",
  "fourteen",
  "fifteen",
  "sixteen",
  "seventeen",
  "eighteen",
  "nineteen",
  "twenty",
];
export const feelings: readonly string[] = [
  "happy",
  "tired",
  "proud",
  "hungry",
  "curious",
  "nervous",
  "cheerful",
  "lonely",
  "calm",
  "angry",
  "brave",
  "sleepy",
  "puzzled",
  "hopeful",
];
export const manners: readonly string[] = [
  "softly",
  "slowly",
  "kindly",
  "at once",
  "with a smile",
  "with a sigh",
  "in a low voice",
  "without looking up",
  "after a while",
  "quickly",
];
export const colors: readonly string[] = [
  "red",
  "blue",
  "green",
  "yellow",
  "white",
  "black",
  "brown",
  "gray",
  "orange",
  "purple",
];
export const sounds: readonly string[] = [
  "a knock at the door",
  "a faint song",
  "a splash",
  "a deep growl",
  "three slow bells",
  "the cry of a gull",
  "a crack of thunder",
  "heavy steps",
  "a whisper",
  "laughter",
];

/** Animals that are no one's: what they are, what they eat, how they move, where they sleep. Facts that always hold. */
export const wildlife: readonly (readonly [animal: string, food: string, motion: string, bed: string])[] = [
  ["wolf", "meat", "runs", "in a den"],
  ["bear", "honey", "climbs", "in a cave"],
  ["owl", "mice", "flies", "in a hollow tree"],
  ["hare", "clover", "jumps", "in the tall grass"],
  ["trout", "flies", "swims", "under a stone"],
  ["snake", "frogs", "creeps", "beneath the roots"],
  ["swallow", "gnats", "dives", "under the roof"],
  ["squirrel", "nuts", "leaps", "among the branches"],
  ["hedgehog", "beetles", "waddles", "in dry leaves"],
  ["deer", "young bark", "wanders", "in the ferns"],
  ["frog", "midges", "hops", "in the mud"],
  ["eagle", "fish", "circles", "on a cliff"],
];

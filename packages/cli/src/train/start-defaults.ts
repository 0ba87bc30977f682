import type { TunableSettings } from "./settings.ts";

/** What `train` does where the user says nothing: `npm start` brings its own. */
export interface StartDefaults {
  /** unless a preset is asked for */
  readonly settings: Partial<TunableSettings>;
  /** writes the text that is trained on when no file is named; its path, absolute */
  corpus(): Promise<string>;
  /** a folder for a new run, absolute */
  newFolder(): Promise<string>;
  /** the folder of the last run, absolute, if there is one */
  lastFolder(): Promise<string | undefined>;
}

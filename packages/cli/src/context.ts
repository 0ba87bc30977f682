import type { Output, Streams } from "./output.ts";

/** What every command gets. */
export interface Context {
  readonly output: Output;
  readonly streams: Streams;
  /** folder that relative paths start from */
  readonly cwd: string;
  /** how the user calls this program, for the commands that it prints: `npx heed`, `npm run --silent heed --` */
  readonly program: string;
  /** what the process ends with unless an error says otherwise */
  exitCode: number;
}

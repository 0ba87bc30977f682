/**
 * The state that operations share: open scopes, open tapes, the default backend and live-buffer counts.
 * It is created empty and only changed by calls; importing this module does nothing.
 */

import type { Tape } from "./autodiff.ts";
import type { Backend } from "./backend.ts";
import type { Scope } from "./scope.ts";

export const engine: {
  readonly scopes: Scope[];
  readonly tapes: Tape[];
  backend: Backend | undefined;
} = { scopes: [], tapes: [], backend: undefined };

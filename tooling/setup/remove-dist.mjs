// Run in a package before its build: a file that no longer has a source must not be published.
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });

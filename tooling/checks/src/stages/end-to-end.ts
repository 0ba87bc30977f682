import { command } from "../command.ts";
import { failed, type Stage, skipped } from "../stage.ts";
import { vitest } from "../vitest.ts";
import { files, machineNode, pinnedNode } from "../workspace.ts";

const versionOf = async (node: string): Promise<string> => (await command(node, ["--version"])).stdout.trim();

/** The Nodes on which what users install is run: the pinned one and the user's own. */
export async function nodes(): Promise<
  readonly { readonly label: string; readonly path: string; readonly same: boolean }[]
> {
  const [pinned, machine] = [await versionOf(pinnedNode), await versionOf(machineNode)];
  return [
    { label: `pinned Node ${pinned}`, path: pinnedNode, same: false },
    { label: `own Node ${machine}`, path: machineNode, same: pinned === machine },
  ];
}

/** The built command line as a user runs it. */
export const endToEnd: Stage = {
  name: "e2e",
  title: "the built command line, on the pinned and on the machine's own Node",
  async run() {
    if (files("packages/*/test/e2e/**/*.test.ts").length === 0)
      return [failed("e2e", "there is no packages/*/test/e2e/*.test.ts")];
    const outcomes = [];
    for (const { label, path, same } of await nodes()) {
      console.log(`-- ${label}`);
      if (same)
        outcomes.push(skipped(`e2e on ${label}`, "it is the version that the repository pins, which has just run"));
      else
        outcomes.push(
          ...(await vitest(`e2e-${label.split(" ")[0]}`, { HEED_E2E_NODE: path })).map((one) => ({
            ...one,
            name: `[${label}] ${one.name}`,
          })),
        );
    }
    return outcomes;
  },
};

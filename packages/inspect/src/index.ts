export type { FlopCount } from "./flops.ts";
export { countFlops } from "./flops.ts";
export type { ParameterRow } from "./parameter-table.ts";
export { parameterTable } from "./parameter-table.ts";

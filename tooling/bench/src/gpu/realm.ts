/** Entry of the page and of the Node process in which all sides live: what the parent calls stands on `globalThis`. */
import { type GpuCaseRequest, type GpuSideResult, measure } from "./measure.ts";

/** What is measured on. */
export interface AdapterDescription {
  readonly name: string;
  /** Made of software: its times only rank. */
  readonly software: boolean;
  readonly limits: Readonly<Record<string, number>>;
}

/** What the parent may call. */
export interface GpuRealm {
  adapter(): Promise<AdapterDescription | undefined>;
  measure(request: GpuCaseRequest): Promise<GpuSideResult[]>;
}

async function adapter(): Promise<AdapterDescription | undefined> {
  const found = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!found) return undefined;
  const { vendor, architecture, device, description } = found.info;
  const name = [vendor, architecture, description || device].filter((part) => part !== "").join(" ");
  return {
    name,
    software: /swiftshader|llvmpipe|lavapipe|software/i.test(name),
    limits: {
      maxStorageBufferBindingSize: found.limits.maxStorageBufferBindingSize,
      maxBufferSize: found.limits.maxBufferSize,
      maxComputeWorkgroupStorageSize: found.limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: found.limits.maxComputeInvocationsPerWorkgroup,
    },
  };
}

const realm: GpuRealm = { adapter, measure };
Object.assign(globalThis, { heedGpuBench: realm });

/** Counts what reaches the GPU, the same way for every library: by wrapping the methods of the standard's own classes. */

/** Kernels launched and command buffers' submissions so far. */
export interface GpuCounts {
  launches: number;
  submissions: number;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function wrap(className: string, method: string, count: () => void): void {
  const found = (globalThis as unknown as Record<string, { readonly prototype: Record<string, Method> } | undefined>)[
    className
  ];
  const original = found?.prototype[method];
  if (found === undefined || original === undefined)
    throw new TypeError(
      `countGpuCalls: ${className}.${method} is missing, expected WebGPU's classes among the globals, got ${typeof found}. Start the browser or Dawn first.`,
    );
  found.prototype[method] = function (this: unknown, ...args: unknown[]) {
    count();
    return original.apply(this, args);
  };
}

/** Starts counting; the result is live. */
export function countGpuCalls(): GpuCounts {
  const counts: GpuCounts = { launches: 0, submissions: 0 };
  for (const method of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"])
    wrap("GPUComputePassEncoder", method, () => counts.launches++);
  wrap("GPUQueue", "submit", () => counts.submissions++);
  return counts;
}

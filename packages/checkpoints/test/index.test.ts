import { expect, test } from "vitest";
import { CheckpointError, isCheckpointError } from "../src/errors.ts";
import * as everything from "../src/index.ts";

test("the exported names, so that a new one is seen in review", () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "CheckpointError",
      "DTYPES",
      "MAX_HEADER_BYTES",
      "bfloat16ToFloat32",
      "crc32",
      "encodeSafetensors",
      "float16ToFloat32",
      "float32ToBfloat16",
      "float32ToFloat16",
      "formatHuggingFaceJson",
      "isCheckpointError",
      "listSnapshots",
      "loadLatestSnapshot",
      "loadSnapshot",
      "memoryFileStore",
      "memorySource",
      "openSafetensors",
      "openWeights",
      "parseJson",
      "planShards",
      "readJsonFile",
      "readSafetensors",
      "readWeights",
      "saveSnapshot",
      "toFloat32",
      "toInt32",
      "urlFileStore",
      "withFloatDType",
      "writeFileAtomic",
      "writeHuggingFaceJson",
      "writeSafetensors",
      "writeWeights",
    ]
  `);
});

test("an error of another copy of the package is known by its name and code", () => {
  const other = Object.assign(new Error("x"), { name: "CheckpointError", code: "missing" });
  expect(
    [new CheckpointError("missing", "x"), other, new Error("x"), { name: "CheckpointError", code: "missing" }].map(
      isCheckpointError,
    ),
  ).toEqual([true, true, false, false]);
});

import { expect, test } from "vitest";
import { FLOAT32, modelBytes } from "../src/onnx/model.ts";
import { floatField, integerField, messageField, textField } from "../src/onnx/protobuf.ts";

test("fields are encoded as the protocol buffer format documents it", () => {
  // The examples of the format's own encoding guide: field 1 = 150, field 2 = "testing", field 3 = { field 1 = 150 }.
  expect(integerField(1, 150)).toEqual([0x08, 0x96, 0x01]);
  expect(textField(2, "testing")).toEqual([0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
  expect(messageField(3, integerField(1, 150))).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
  expect(integerField(1, 2 ** 40)).toEqual([0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
  expect(floatField(2, 1)).toEqual([0x15, 0x00, 0x00, 0x80, 0x3f]);
});

test("numbers that cannot be written are refused", () => {
  expect(() => integerField(1, -1)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: integerField: value is not writable, expected a whole number from 0 to 2 ** 53, got -1. Pass a size, an offset or an enum's number.]`,
  );
});

test("a session runs a model written here", async () => {
  const { InferenceSession, Tensor } = await import("onnxruntime-web");
  const weights = Float32Array.of(1, 2, 3, 4, 5, 6);
  const bytes = modelBytes({
    nodes: [{ op: "Gemm", inputs: ["x", "w"], outputs: ["y"], attributes: { transB: 1, alpha: { float: 0.5 } } }],
    inputs: [{ name: "x", type: FLOAT32, shape: ["rows", 2] }],
    outputs: [{ name: "y", type: FLOAT32, shape: ["rows", 3] }],
    weights: [{ name: "w", type: FLOAT32, shape: [3, 2], offset: 0, length: 24 }],
    weightsFile: "weights",
  });
  const session = await InferenceSession.create(bytes, {
    externalData: [{ path: "weights", data: new Uint8Array(weights.buffer) }],
  });
  const { y } = await session.run({ x: new Tensor("float32", Float32Array.of(1, 1, 2, 0), [2, 2]) });
  expect(y?.dims).toEqual([2, 3]);
  expect(y?.data).toEqual(Float32Array.of(1.5, 3.5, 5.5, 1, 3, 5));
});

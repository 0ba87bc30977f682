/** ONNX models as plain objects, and their bytes. Field numbers are those of onnx.proto (IR version 8). */
import { type Bytes, floatField, integerField, messageField, textField } from "./protobuf.ts";

/** Element types by their number in TensorProto.DataType. */
export const FLOAT32 = 1;
export const INT32 = 6;

/** An attribute value: a whole number is an INT, `{ float }` a FLOAT. */
export type Attribute = number | { readonly float: number };

/** One operator call; an empty input or output name is one that is left out. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** `com.microsoft` for ONNX Runtime's fused operators; the standard set when absent. */
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A graph input or output; an axis is a size or the name of one that varies. */
export interface Port {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | string)[];
}

/** A weight; its bytes lie in one file beside the model. */
export interface ExternalTensor {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** A whole model. */
export interface Model {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly weights: readonly ExternalTensor[];
  /** Name under which the weights' bytes are given to the runtime. */
  readonly weightsFile: string;
}

const IR_VERSION = 8;
const STANDARD_OPSET = 17;
const MICROSOFT_DOMAIN = "com.microsoft";

function attributeBytes([name, value]: readonly [string, Attribute]): Bytes {
  const FLOAT = 1;
  const INT = 2;
  const rest =
    typeof value === "number"
      ? [...integerField(3, value), ...integerField(20, INT)]
      : [...floatField(2, value.float), ...integerField(20, FLOAT)];
  return [...textField(1, name), ...rest];
}

function nodeBytes({ op, inputs, outputs, domain = "", attributes = {} }: Node): Bytes {
  return [
    ...inputs.flatMap((name) => textField(1, name)),
    ...outputs.flatMap((name) => textField(2, name)),
    ...textField(4, op),
    ...Object.entries(attributes).flatMap((entry) => messageField(5, attributeBytes(entry))),
    ...(domain === "" ? [] : textField(7, domain)),
  ];
}

function portBytes({ name, type, shape }: Port): Bytes {
  const axes = shape.flatMap((axis) =>
    messageField(1, typeof axis === "number" ? integerField(1, axis) : textField(2, axis)),
  );
  const tensorType = [...integerField(1, type), ...messageField(2, axes)];
  return [...textField(1, name), ...messageField(2, messageField(1, tensorType))];
}

function weightBytes({ name, type, shape, offset, length }: ExternalTensor, file: string): Bytes {
  const EXTERNAL = 1;
  const entry = (key: string, value: string): Bytes => messageField(13, [...textField(1, key), ...textField(2, value)]);
  return [
    ...shape.flatMap((size) => integerField(1, size)),
    ...integerField(2, type),
    ...textField(8, name),
    ...entry("location", file),
    ...entry("offset", String(offset)),
    ...entry("length", String(length)),
    ...integerField(14, EXTERNAL),
  ];
}

/** The bytes of `model.onnx`; the weights stay outside. */
export function modelBytes({ nodes, inputs, outputs, weights, weightsFile }: Model): Uint8Array<ArrayBuffer> {
  const graph: Bytes = [
    ...nodes.flatMap((node) => messageField(1, nodeBytes(node))),
    ...textField(2, "heed-bench"),
    ...weights.flatMap((weight) => messageField(5, weightBytes(weight, weightsFile))),
    ...inputs.flatMap((port) => messageField(11, portBytes(port))),
    ...outputs.flatMap((port) => messageField(12, portBytes(port))),
  ];
  const opset = (domain: string, version: number): Bytes =>
    messageField(8, [...textField(1, domain), ...integerField(2, version)]);
  return Uint8Array.from([
    ...integerField(1, IR_VERSION),
    ...messageField(7, graph),
    ...opset("", STANDARD_OPSET),
    ...opset(MICROSOFT_DOMAIN, 1),
  ]);
}

// What the examples in docstrings take for granted.
import { tensor } from "@heed/tensor";

export const weights = tensor([3, 4]);
export const gradients = [tensor([3, 4])];

// What the examples in docstrings take for granted.
import { zeros } from "@heed/tensor";

export const weights = zeros([2, 2]);
export const gradients = [zeros([2, 2])];

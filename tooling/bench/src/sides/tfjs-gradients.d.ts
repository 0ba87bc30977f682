/** Imported for its effect: registers the gradient rules, which no bundle of the core package does. */
declare module "@tensorflow/tfjs-core/dist/register_all_gradients";

/** A training that is real and small: two layers, 128 samples, the CPU. */
import * as tf from "@tensorflow/tfjs";

export const samples = 128;
export const batchSize = 16;

/** A model of 17 parameters, 12 of them frozen. */
export function compiled(): tf.Sequential {
  const model = tf.sequential();
  model.add(
    tf.layers.dense({ name: "frozen", units: 4, inputShape: [2], activation: "relu", trainable: false }),
  );
  model.add(tf.layers.dense({ name: "out", units: 1 }));
  model.compile({ optimizer: tf.train.sgd(0.05), loss: "meanSquaredError", metrics: ["mae"] });
  return model;
}

/** Points and the sum of their coordinates. */
export function data(): { xs: tf.Tensor; ys: tf.Tensor } {
  const xs = tf.randomUniform([samples, 2], -1, 1, "float32", 1);
  return { xs, ys: xs.sum(1, true) };
}

/** The same in batches. */
export function dataset(): tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }> {
  const points = Array.from({ length: samples }, (_, index) => [Math.sin(index), Math.cos(index)] as const);
  const rows = points.map(([x, y]) => ({ xs: [x, y], ys: [x + y] }));
  return tf.data.array(rows).batch(batchSize) as unknown as tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>;
}

/** What `body` gives, and the lines it warned of. */
export async function warnings<T>(body: () => Promise<T>): Promise<{ result: T; warned: string[] }> {
  const { warn } = console;
  const warned: string[] = [];
  console.warn = (line: string) => void warned.push(line);
  try {
    return { result: await body(), warned };
  } finally {
    console.warn = warn;
  }
}

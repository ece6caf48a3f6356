/** The decoder of a bundle in the browser: ONNX Runtime Web, one thread, WebAssembly with SIMD. */

import * as ort from "./vendor/ort.mjs";

/** Bytes that were compressed with gzip. */
export async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A function from a code (D) to pixels, float (H * W * C) in [0, 1].
 *
 * @param {Uint8Array} runtime content of vendor/ort.wasm.gz
 * @param {Uint8Array} graph content of decoder.onnx
 * @returns {Promise<(code: Float32Array) => Promise<Float32Array>>} one call after the other, never two at once
 */
export async function openDecoder(runtime, graph) {
  Object.assign(ort.env.wasm, { wasmBinary: await gunzip(runtime), numThreads: 1, proxy: false });
  const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
  const [input, output] = [session.inputNames[0], session.outputNames[0]];
  let before = Promise.resolve();
  return (code) => {
    const made = before.then(async () => {
      const found = await session.run({ [input]: new ort.Tensor("float32", code, [1, code.length]) });
      return found[output].data;
    });
    before = made.catch(() => {});
    return made;
  };
}

/** Median milliseconds of a decode. */
export async function timeDecoder(decode, latent, times = 5) {
  const found = [];
  for (let k = 0; k <= times; k++) {
    const start = performance.now();
    await decode(new Float32Array(latent));
    if (k > 0) found.push(performance.now() - start); // the first one also sets up
  }
  return found.sort((a, b) => a - b)[times >> 1];
}

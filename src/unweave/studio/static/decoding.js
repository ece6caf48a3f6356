/** Where the studio decodes: here if the decoder is given away, small and quick; else on the server. */

import { openDecoder, timeDecoder } from "./decoder.js";

/** Bytes of a decoder that is fetched at most, and milliseconds that it may take here. */
const MOST_BYTES = 64 << 20;
const MOST_MS = 60;

/** A function from a code to float pixels that asks the server. */
export function serverDecoder(api, model, channels) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (code) => {
    const picture = await createImageBitmap(await api.decode(model, code));
    const { width, height } = Object.assign(canvas, { width: picture.width, height: picture.height });
    context.drawImage(picture, 0, 0);
    const bytes = context.getImageData(0, 0, width, height).data;
    return Float32Array.from(
      { length: width * height * channels },
      (_, k) => bytes[4 * Math.floor(k / channels) + (k % channels)] / 255,
    );
  };
}

/** A decoder that computes here, and its milliseconds a picture; null where the server has to.
 *
 * @param {string|null} asked "server" or "browser", where the address of the page says so
 */
export async function browserDecoder(api, model, latent, asked) {
  const graph = asked === "server" ? null : await api.decoder(model, MOST_BYTES);
  if (!graph) return null;
  const runtime = new Uint8Array(await (await fetch("vendor/ort.wasm.gz")).arrayBuffer());
  const decode = await openDecoder(runtime, graph);
  const took = await timeDecoder(decode, latent);
  return took > MOST_MS && asked !== "browser" ? null : { decode, took };
}

/** Pixels on canvases. */

/** Paint float pixels (H * W * C) in [0, 1], grey or RGB. */
export function paint(canvas, pixels, [height, width, channels]) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * pixels[i * channels + (channels === 1 ? 0 : c)];
    image.data[4 * i + 3] = 255;
  }
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Calls `task` with the newest value that was asked for: values that are overtaken while it runs are left out. */
export function newest(task) {
  let [waiting, running] = [null, null];
  const run = async () => {
    while (waiting) {
      const [value] = waiting;
      waiting = null;
      await task(value);
    }
    running = null;
  };
  return (value) => {
    waiting = [value];
    running ??= run();
    return running;
  };
}

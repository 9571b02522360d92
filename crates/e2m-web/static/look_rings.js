// Many rings over an image. A browser without a graphics card takes 10 µs and more for every ring that it is told to draw, so that ten thousand
// would take many frames; here their pixels are copied into one picture, which is drawn once a frame.

/** Beyond so many in view a ring is a dot: rings would lie on one another. */
export const MOST_RINGS = 20_000;
/** A ring may lie at so many places within a pixel, along x and y: it moves with the image, not by whole pixels. */
const PHASES = 4;
const DOT = 1.6;

export class Rings {
  /** The pixels of a ring that are not empty, for each place within a pixel: the alpha is the highest byte of each. */
  make(radius, ratio, width) {
    const key = `${radius} ${ratio} ${width}`;
    if (this.key === key) return;
    this.key = key;
    const isDot = radius <= DOT;
    this.half = Math.ceil((radius + 2) * ratio) + 1;
    const side = 2 * this.half + 1;
    const own = new OffscreenCanvas(side * PHASES, side * PHASES).getContext("2d", { willReadFrequently: true });
    const strokes = isDot ? [["rgb(0 0 0 / 60%)", radius + 0.8], ["#ffd54a", radius]] : [["rgb(0 0 0 / 60%)", 3.2], ["#ffd54a", 1.5]];
    const places = [];
    for (let row = 0; row < PHASES; row += 1) {
      for (let column = 0; column < PHASES; column += 1) {
        const [x, y] = [column * side + this.half + (column + 0.5) / PHASES, row * side + this.half + (row + 0.5) / PHASES];
        for (const [style, wide] of strokes) {
          own.beginPath();
          own.arc(x, y, (isDot ? wide : radius) * ratio, 0, 2 * Math.PI);
          own.fillStyle = style;
          own.strokeStyle = style;
          own.lineWidth = wide * ratio;
          if (isDot) own.fill();
          else own.stroke();
        }
        places.push([column * side, row * side]);
      }
    }
    this.stamps = places.map(([left, top]) => {
      const pixels = new Uint32Array(own.getImageData(left, top, side, side).data.buffer);
      const filled = [...pixels.keys()].filter((at) => pixels[at]);
      const offsets = filled.map((at) => (Math.floor(at / side) - this.half) * width + (at % side) - this.half);
      return [Int32Array.from(offsets), Uint32Array.from(filled, (at) => pixels[at])];
    });
  }

  /** Draws those of `list` that are seen; answers with how many these are. Places are px of the image, at the middle of a pixel. */
  draw(context, { list, xs, ys, toScreen, radius, size: [width, height] }) {
    const ratio = devicePixelRatio || 1;
    const [left, top] = toScreen(0.5, 0.5);
    const scale = toScreen(1.5, 0.5)[0] - left;
    const reach = radius + 3;
    const [fromX, toX, fromY, toY] = [(-reach - left) / scale, (width + reach - left) / scale, (-reach - top) / scale, (height + reach - top) / scale];
    const seen = list.filter((i) => xs[i] > fromX && xs[i] < toX && ys[i] > fromY && ys[i] < toY);
    if (!seen.length) return 0;
    // What reaches over the edge of the picture lies on a margin of it.
    const used = seen.length > MOST_RINGS ? DOT : radius;
    const margin = Math.ceil((reach + 3) * ratio) * 2;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    const stride = wide + 2 * margin;
    this.make(used, ratio, stride);
    if (this.image?.width !== stride || this.image.height !== high + 2 * margin) {
      this.image = new ImageData(stride, high + 2 * margin);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.layer = new OffscreenCanvas(wide, high);
      this.inLayer = this.layer.getContext("2d", { willReadFrequently: true });
    } else {
      this.pixels.fill(0);
    }
    const { pixels, stamps } = this;
    for (const i of seen) {
      const [x, y] = [(left + scale * xs[i]) * ratio, (top + scale * ys[i]) * ratio];
      const [column, row] = [Math.floor(x), Math.floor(y)];
      const [offsets, values] = stamps[Math.floor(PHASES * (y - row)) * PHASES + Math.floor(PHASES * (x - column))];
      const middle = (row + margin) * stride + column + margin;
      for (let k = 0; k < offsets.length; k += 1) {
        const at = middle + offsets[k];
        // The more opaque wins, so that no rim darkens a ring.
        if (values[k] > pixels[at]) pixels[at] = values[k];
      }
    }
    this.inLayer.putImageData(this.image, -margin, -margin);
    context.drawImage(this.layer, 0, 0, width, height);
    return seen.length;
  }
}

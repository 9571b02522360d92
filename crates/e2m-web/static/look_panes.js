// Panes: what shows images, in step with each other. Each is an OpenSeadragon viewer with a canvas over it.
import { address } from "./api.js";
import { h } from "./dom.js";

/** Squares of an image in certain colours. Level 0 of the server is full resolution; OpenSeadragon counts the other way. */
function source(view, names, image, look) {
  const top = view.levels - 1;
  return {
    width: view.width,
    height: view.height,
    tileSize: view.tile_px,
    tileOverlap: 0,
    minLevel: 0,
    maxLevel: top,
    getTileUrl: (level, x, y) => address("tile", {
      ...names, image, level: top - level, x, y, low: look.low, high: look.high, knee: look.knee, palette: look.palette, blur: look.blur || null, quick: look.quick || null, v: view.version,
    }),
  };
}

export class Pane {
  /** `changed` is called when somebody moves the image, `at` with the pixel under the pointer, `chosen` with one that is clicked. */
  constructor(view, { changed, at, chosen, failed }) {
    this.view = view;
    this.place = h("div", { class: "osd" });
    this.over = h("canvas", { class: "over" });
    this.label = h("div", { class: "name" });
    this.element = h("div", { class: "pane" }, this.place, this.over, this.label);
    this.draw = null;
    this.events = { changed, at, chosen, failed };
    this.shown = [];
  }

  /** Only when its element is in the page: the viewer measures it. */
  open() {
    this.place.style.position = "absolute";
    this.place.style.inset = "0";
    const viewer = OpenSeadragon({
      element: this.place,
      drawer: "canvas",
      prefixUrl: "",
      showNavigationControl: false,
      imageSmoothingEnabled: false,
      crossOriginPolicy: false,
      animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.5,
      maxZoomPixelRatio: 40,
      minZoomImageRatio: 0.6,
      visibilityRatio: 0.4,
      imageLoaderLimit: 6,
      maxImageCacheCount: 300,
      timeout: 180000,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true, pinchRotate: false },
    });
    this.viewer = viewer;
    // Letters are of this page: OpenSeadragon would turn and mirror the image.
    viewer.addHandler("canvas-key", (event) => {
      event.preventDefaultAction = !/^(Arrow|[-+=0_])/.test(event.originalEvent.key);
    });
    viewer.addHandler("viewport-change", () => this.events.changed(this));
    viewer.addHandler("update-viewport", () => this.redraw());
    viewer.addHandler("resize", () => this.redraw());
    viewer.addHandler("canvas-click", (event) => {
      if (event.quick) this.events.chosen(this.pixel(event.position));
    });
    viewer.addHandler("tile-load-failed", (event) => this.events.failed("a part of the image could not be loaded; move it to try again"));
    this.tracker = new OpenSeadragon.MouseTracker({
      element: viewer.container,
      moveHandler: (event) => this.events.at(this.pixel(event.position)),
      leaveHandler: () => this.events.at(null),
    });
  }

  close() {
    this.tracker?.destroy();
    this.viewer?.destroy();
  }

  /** The point of the canvas, in its pixels, under a point of the pane. */
  pixel(point) {
    const item = this.viewer.world.getItemAt(0);
    if (!item) return null;
    const at = item.viewerElementToImageCoordinates(point);
    return { x: at.x, y: at.y };
  }

  /** Shows images, one over the other: `[{image, look, opacity, add}]`. Places stay where they are. */
  async show(layers) {
    const { viewer } = this;
    const bounds = viewer.world.getItemCount() ? viewer.viewport.getBounds(true) : null;
    const same = layers.length === this.shown.length && layers.every((layer, i) => layer.key === this.shown[i].key);
    if (!same) {
      const old = [];
      for (let i = 0; i < viewer.world.getItemCount(); i += 1) old.push(viewer.world.getItemAt(i));
      const added = layers.map((layer) => new Promise((done) => {
        viewer.addTiledImage({
          tileSource: source(layer.of.view, layer.of.names, layer.image, layer.look),
          opacity: layer.opacity ?? 1,
          compositeOperation: layer.add ? "lighter" : null,
          success: ({ item }) => done(item),
          error: () => done(null),
        });
      }));
      await Promise.all(added);
      for (const item of old) viewer.world.removeItem(item);
      if (bounds) viewer.viewport.fitBounds(bounds, true);
      this.shown = layers;
    }
    this.redraw();
  }

  /** Whether tiles are on their way. */
  isLoading() {
    const { world } = this.viewer;
    for (let i = 0; i < world.getItemCount(); i += 1) {
      const item = world.getItemAt(i);
      if (item.getOpacity() > 0 && !item.getFullyLoaded()) return true;
    }
    return false;
  }

  item(i) {
    return this.viewer.world.getItemAt(i);
  }

  /** Where the middle of the pane is, and how many px of the screen a pixel takes. */
  where() {
    const item = this.item(0);
    if (!item) return null;
    const middle = this.viewer.viewport.getCenter(true);
    const at = item.viewportToImageCoordinates(middle);
    return { x: at.x, y: at.y, zoom: item.viewportToImageZoom(this.viewer.viewport.getZoom(true)) };
  }

  go({ x, y, zoom }, immediately) {
    const item = this.item(0);
    if (!item) return;
    const { viewport } = this.viewer;
    if (zoom) viewport.zoomTo(item.imageToViewportZoom(zoom), null, immediately);
    viewport.panTo(item.imageToViewportCoordinates(x, y), immediately);
  }

  /** Takes the place of another pane. */
  follow(other) {
    const { viewport } = other.viewer;
    this.viewer.viewport.zoomTo(viewport.getZoom(), null, true);
    this.viewer.viewport.panTo(viewport.getCenter(), true);
  }

  home() {
    this.viewer.viewport.goHome();
  }

  /** The part of the canvas that is seen, whole pixels. */
  region() {
    const item = this.item(0);
    if (!item) return null;
    const box = item.viewportToImageRectangle(this.viewer.viewport.getBounds(true));
    const clip = (value, most) => Math.min(Math.max(Math.round(value), 0), most);
    const [x, y] = [clip(box.x, this.view.width), clip(box.y, this.view.height)];
    return { x, y, width: clip(box.x + box.width, this.view.width) - x, height: clip(box.y + box.height, this.view.height) - y };
  }

  /** Draws what lies over the image: `draw(context, toScreen, zoom, size)`. */
  redraw() {
    const { over, viewer } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [over.clientWidth, over.clientHeight];
    if (over.width !== Math.round(width * ratio) || over.height !== Math.round(height * ratio)) {
      over.width = Math.round(width * ratio);
      over.height = Math.round(height * ratio);
    }
    const context = over.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const item = viewer?.world.getItemAt(0);
    if (!item || !this.draw) return;
    const zoom = item.viewportToImageZoom(viewer.viewport.getZoom(true));
    const first = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
    this.draw(context, (x, y) => [first.x + zoom * x, first.y + zoom * y], zoom, [width, height]);
  }
}

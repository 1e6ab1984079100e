// Mouse, pen, fingers and wheel on a canvas, told to a room as: point, pan, zoom, click, reset.

const STILL = 4;
const WHEEL_RATE = 0.0025;

const placeOf = ({ offsetX: x, offsetY: y }) => ({ x, y });
const middleOf = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

class Gestures {
  constructor(canvas, room) {
    this.canvas = canvas;
    this.room = room;
    this.held = new Map();
    this.space = false;
    const on = (type, handle) => canvas.addEventListener(type, handle, { passive: false });
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) on(type, ({ pointerId }) => this.held.delete(pointerId));
    on("click", (event) => this.click(event));
    on("contextmenu", (event) => event.preventDefault());
    on("wheel", (event) => this.wheel(event));
    on("keyup", ({ key }) => key === " " && this.hold(false));
    on("blur", () => this.hold(false));
  }

  // The space bar makes a drag with the primary button pan.
  hold(space) {
    this.space = space;
    this.canvas.classList.toggle("pans", space);
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.held.set(event.pointerId, placeOf(event));
    if (this.held.size === 1) this.start = placeOf(event);
    this.pans = event.button > 0 || this.space || this.held.size > 1;
    this.moved = this.pans;
    if (!this.pans) this.room.point(placeOf(event));
  }

  move(event) {
    const at = placeOf(event);
    const last = this.held.get(event.pointerId);
    if (last && distance(at, this.start) > STILL) this.moved = true;
    if (!last || !this.pans) return this.room.point(at);
    this.held.set(event.pointerId, at);
    const other = [...this.held].find(([id]) => id !== event.pointerId)?.[1];
    return other ? this.pinch(last, at, other) : this.room.pan(at.x - last.x, at.y - last.y);
  }

  pinch(last, at, other) {
    const [before, after] = [middleOf(last, other), middleOf(at, other)];
    this.room.pan(after.x - before.x, after.y - before.y);
    this.room.zoom(after, distance(last, other) / Math.max(1, distance(at, other)));
  }

  // The second click of a double click takes back what the first one did.
  click(event) {
    if (event.detail > 1) this.room.reset();
    else if (!this.moved) this.room.click(placeOf(event));
  }

  wheel(event) {
    if (event.ctrlKey || event.metaKey) return;
    const factor = Math.exp(clamp(event.deltaY, -120, 120) * WHEEL_RATE);
    if (this.room.zoom(placeOf(event), factor)) event.preventDefault();
  }
}

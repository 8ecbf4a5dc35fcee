// A drawing board: black on paper, with a mirror, filled shapes, and an undo for every step.
//
// The browser owns the drawing, as a list of strokes; Python gets a picture of it after each one. The list is kept in
// the tab's session storage, so the drawing is there again when its page is. What is traced lies under the ink, and the
// tools' previews over it: neither is in the picture.
//
// All coordinates are those of a board 280 wide and high; on the screen it is as large as there is room.

const SIDE = 280;
const FINE = 2; // pixels of the canvases for each of the board's, for sharp edges on sharp screens
const GAPS = [0, 2, 5]; // a fill bridges gaps in an outline up to twice these wide, the smallest that holds it
const SNAP = 14; // a mirrored shape that starts or ends this near the middle is joined to its mirror image
const CLOSE = 12; // a polygon is closed by a click this near its first corner
const DOT = 0.01; // a line of no length is not painted at all, one of this length is a dot
const STORE = "cnn-atelier-drawing";

const HINTS = {
  brush: "Press and drag to draw.",
  line: "Drag from one end to the other.",
  shape: "Draw an outline: it closes and fills when you let go.",
  polygon: "Click the corners, then the first one again to close it.",
  fill: "Click inside an outline.",
  eraser: "Rub out, or draw seams and folds in a filled shape.",
};

const boards = new WeakMap(); // parentElement -> Board: this function is called anew whenever the data change

export default function ({ data, parentElement, setStateValue }) {
  let board = boards.get(parentElement);
  if (!board) boards.set(parentElement, (board = new Board(parentElement)));
  board.send = (picture) => setStateValue("drawing", { picture });
  board.trace(data.template);
  board.greet(data.kept);
  return () => {
    board.remove();
    boards.delete(parentElement);
  };
}

class Board {
  constructor(root) {
    this.root = root;
    this.ink = context(root.querySelector(".ink"));
    this.over = context(root.querySelector(".over"));
    this.done = context(document.createElement("canvas")); // all finished strokes
    this.stroke = null; // the one being drawn
    this.at = null; // the pointer, or the keyboard's cross
    this.keyboard = false;
    Object.assign(this, { strokes: [], undone: [], tool: "brush", width: 8, mirror: false }, recall());
    this.listen();
    this.replay();
  }

  // ---- what Python says

  trace(template) {
    const image = this.root.querySelector(".template");
    image.hidden = !template;
    if (template && image.src !== template) image.src = template;
  }

  /** Once: Python and this tab may not know the same drawing, after a reload for instance. */
  greet(kept) {
    if (!this.met && kept !== this.drawn) this.send(this.picture());
    this.met = true;
  }

  // ---- strokes

  get drawn() {
    return this.strokes.length > 0 && this.strokes.at(-1).tool !== "clear";
  }

  /** Make a finished stroke part of the drawing. */
  commit(stroke) {
    this.stroke = null;
    if (!paint(this.done, stroke)) {
      this.say(stroke.tool === "fill" ? "Nothing was filled: click inside a closed outline." : HINTS[this.tool]);
      this.show();
      return;
    }
    this.strokes.push(stroke);
    this.undone = [];
    this.changed(stroke.tool === "clear" ? "Cleared." : HINTS[this.tool]);
  }

  undo() {
    if (this.stroke) return this.takeBack();
    if (!this.strokes.length) return;
    this.undone.push(this.strokes.pop());
    this.replay();
    this.changed("Undone.");
  }

  redo() {
    if (!this.undone.length) return;
    this.strokes.push(this.undone.pop());
    this.replay();
    this.changed("Done again.");
  }

  /** Clearing is a stroke like any other: it can be undone. */
  clear() {
    this.stroke = null;
    if (this.drawn) this.commit({ tool: "clear" });
  }

  /** Undo within an unfinished polygon takes back its last corner. */
  takeBack() {
    if (this.stroke.points.length < 2) return this.abandon();
    this.stroke.points.pop();
    this.show();
  }

  abandon() {
    this.stroke = null;
    this.show();
  }

  replay() {
    wipe(this.done);
    const cleared = this.strokes.findLastIndex((stroke) => stroke.tool === "clear");
    for (const stroke of this.strokes.slice(cleared + 1)) paint(this.done, stroke);
    this.show();
  }

  changed(words) {
    this.show();
    this.say(words);
    this.remember();
    this.send(this.picture());
  }

  /** The drawing as a PNG, without paper and template; null where there is none. */
  picture() {
    if (!this.drawn) return null;
    const small = document.createElement("canvas");
    small.width = small.height = SIDE;
    small.getContext("2d").drawImage(this.done.canvas, 0, 0, SIDE, SIDE);
    return small.toDataURL("image/png");
  }

  remember() {
    const { strokes, undone, tool, width, mirror } = this;
    try {
      sessionStorage.setItem(STORE, JSON.stringify({ strokes, undone, tool, width, mirror }));
    } catch {
      // Without storage, or with a full one, a drawing lasts as long as its page.
    }
  }

  // ---- the hand: a pointer, or the keyboard's cross, goes down, moves, and goes up

  down(point) {
    const { tool, width, mirror } = this;
    if (tool === "polygon" && this.stroke) return this.corner(point);
    this.stroke = { tool, width, mirror, points: [point] };
    if (tool === "fill") this.commit(this.stroke);
    else if (tool === "polygon") this.say("The first corner again, or Enter, closes the shape. Escape gives it up.");
    this.show();
  }

  move(point) {
    this.at = point;
    if (!this.stroke || this.tool === "polygon") return;
    const points = this.stroke.points;
    if (this.tool === "line") points[1] = point;
    else if (distance(points.at(-1), point) >= 1) points.push(point);
  }

  up() {
    if (this.stroke && this.tool !== "polygon") this.commit(this.stroke);
  }

  corner(point) {
    const points = this.stroke.points;
    if (points.length > 2 && distance(points[0], point) < CLOSE) return this.commit(this.stroke);
    if (distance(points.at(-1), point) >= 1) points.push(point); // not the second half of a double click
    this.show();
  }

  // ---- what is seen

  show() {
    const { stroke, at, tool, over, ink } = this;
    wipe(ink);
    ink.drawImage(this.done.canvas, 0, 0, SIDE, SIDE);
    wipe(over);
    if (this.mirror) line(over, [[SIDE / 2, 0], [SIDE / 2, SIDE]], { dash: [4, 4] });
    if (stroke?.tool === "polygon") {
      paint(ink, { ...stroke, points: at ? [...stroke.points, at] : stroke.points, unfinished: true });
      ring(over, stroke.points[0], CLOSE / 2);
    } else if (stroke) paint(ink, stroke);
    if (at) this.showHand(at, { brush: this.width, line: this.width, eraser: this.width }[tool]);
    this.showButtons();
  }

  showHand(at, width) {
    const images = this.mirror ? [at, [SIDE - at[0], at[1]]] : [at];
    for (const [x, y] of images) {
      if (width) ring(this.over, [x, y], width / 2);
      if (this.keyboard || !width) {
        line(this.over, [[x - 7, y], [x + 7, y]]);
        line(this.over, [[x, y - 7], [x, y + 7]]);
      }
    }
  }

  showButtons() {
    const { root, stroke } = this;
    for (const radio of root.querySelectorAll("[name=tool]")) radio.checked = radio.value === this.tool;
    root.querySelector(".width").value = this.width;
    root.querySelector(".number").textContent = this.width;
    root.querySelector(".mirror").checked = this.mirror;
    root.querySelector(".undo").disabled = !this.strokes.length && !stroke;
    root.querySelector(".redo").disabled = !this.undone.length;
    root.querySelector(".clear").disabled = !this.drawn;
  }

  say(words) {
    this.root.querySelector(".say").textContent = words;
  }

  // ---- events

  listen() {
    const { root } = this;
    for (const radio of root.querySelectorAll("[name=tool]")) {
      radio.onchange = () => this.set({ tool: radio.value });
    }
    root.querySelector(".width").oninput = (event) => this.set({ width: Number(event.target.value) });
    root.querySelector(".mirror").onchange = (event) => this.set({ mirror: event.target.checked });
    for (const name of ["undo", "redo", "clear"]) {
      const button = root.querySelector(`.${name}`);
      button.onclick = () => {
        this[name]();
        if (button.disabled) this.over.canvas.focus({ preventScroll: true }); // or the keyboard would be lost
      };
    }
    root.querySelector(".board").onkeydown = (event) => this.shortcut(event);
    this.listenToPointer(this.over.canvas);
    this.over.canvas.onkeydown = (event) => this.key(event);
    this.over.canvas.onblur = () => this.leave();
    this.say(HINTS[this.tool]);
  }

  set(settings) {
    Object.assign(this, settings, { stroke: null });
    this.say(HINTS[this.tool]);
    this.show();
    this.remember();
  }

  listenToPointer(canvas) {
    const where = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top].map((at) => round((at * SIDE) / box.width));
    };
    const here = (event, act) => {
      if (!event.isPrimary) return; // a second finger
      this.keyboard = false;
      act();
      this.show();
    };
    canvas.onpointerdown = (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      here(event, () => this.down((this.at = where(event))));
    };
    canvas.onpointermove = (event) =>
      here(event, () => {
        for (const each of event.getCoalescedEvents?.() ?? []) this.move(where(each));
        this.move(where(event));
      });
    canvas.onpointerup = (event) => here(event, () => this.up());
    canvas.onpointercancel = () => this.abandon();
    canvas.onpointerleave = () => this.leave();
  }

  leave() {
    if (!this.keyboard || this.root.activeElement !== this.over.canvas) this.at = null;
    this.show();
  }

  /** Without a pointer: the arrows move a cross, Space puts the pen down and lifts it. */
  key(event) {
    const step = event.shiftKey ? 1 : 7;
    const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    const at = this.at ?? [SIDE / 2, SIDE / 2];
    if (right !== undefined) this.move([right, down].map((way, i) => Math.min(Math.max(at[i] + step * way, 0), SIDE)));
    else if (event.key === " " && this.stroke && this.tool !== "polygon") this.up();
    else if (event.key === " ") this.down((this.at = at));
    else if (event.key === "Enter" && this.stroke?.points.length > 2) this.commit(this.stroke);
    else if (event.key === "Escape" && this.stroke) this.abandon();
    else return;
    this.keyboard = right !== undefined || event.key === " ";
    event.preventDefault();
    this.show();
  }

  shortcut(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "y" || (key === "z" && event.shiftKey)) this.redo();
    else if (key === "z") this.undo();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  remove() {
    this.send = () => {};
  }
}

// ---- painting: every stroke is painted by one function, now or again after an undo

/** Paint a stroke and, if it is mirrored, its image. Returns whether there was anything to paint. */
function paint(on, stroke) {
  if (stroke.tool === "clear") {
    wipe(on);
    return true;
  }
  const once = stroke.tool === "fill" ? pour : draw;
  const painted = once(on, stroke);
  if (!stroke.mirror) return painted;
  return once(on, { ...stroke, points: stroke.points.map(([x, y]) => [SIDE - x, y]) }) || painted;
}

function draw(on, { tool, width, mirror, points, unfinished }) {
  const solid = tool === "shape" || tool === "polygon";
  if (solid && points.length < 3 && !unfinished) return false;
  const path = solid && mirror ? joined(points) : points;
  on.save();
  on.lineCap = on.lineJoin = "round";
  on.lineWidth = solid ? 2 : width;
  on.globalCompositeOperation = tool === "eraser" ? "destination-out" : "source-over";
  on.beginPath();
  on.moveTo(...path[0]);
  if (tool === "brush" || tool === "eraser") {
    for (let i = 1; i < path.length - 1; i++) on.quadraticCurveTo(...path[i], ...middle(path[i], path[i + 1]));
    on.lineTo(...path.at(-1));
  } else for (const point of path) on.lineTo(...point);
  if (path.length === 1) on.lineTo(path[0][0], path[0][1] + DOT);
  if (solid) on.closePath();
  if (solid) on.fill();
  on.stroke();
  on.restore();
  return true;
}

/** A shape that starts or ends near the middle is led on to it, so that no seam is left between it and its image. */
function joined(points) {
  const near = ([x]) => Math.abs(x - SIDE / 2) < SNAP;
  const onto = ([, y]) => [SIDE / 2, y];
  const [first, last] = [points[0], points.at(-1)];
  return [...(near(first) ? [onto(first)] : []), ...points, ...(near(last) ? [onto(last)] : [])];
}

/** Fill the region around a point up to its outline. Returns false where there is none: outside, or on ink. */
function pour(on, { points: [[x, y]] }) {
  const side = SIDE * FINE;
  const picture = on.getImageData(0, 0, side, side);
  const alpha = picture.data;
  const ink = new Uint8Array(side * side);
  for (let i = 0; i < ink.length; i++) ink[i] = alpha[4 * i + 3] > 127;
  const start = Math.min(Math.floor(y * FINE), side - 1) * side + Math.min(Math.floor(x * FINE), side - 1);
  for (const gap of GAPS) {
    const inside = region(widened(ink, gap * FINE, side), start, side);
    if (!inside) continue;
    const solid = widened(inside, gap * FINE + 1, side); // back to the outline, and a little under it
    for (let i = 0; i < solid.length; i++) if (solid[i]) alpha.set([0, 0, 0, 255], 4 * i);
    on.putImageData(picture, 0, 0);
    return true;
  }
  return false;
}

/** The pixels that can be reached from `start` without crossing the wall; null if the board's edge is among them. */
function region(wall, start, side) {
  if (wall[start]) return null;
  const inside = new Uint8Array(wall.length);
  const next = [start];
  inside[start] = 1;
  while (next.length) {
    const i = next.pop();
    const column = i % side;
    if (column === 0 || column === side - 1 || i < side || i >= wall.length - side) return null;
    for (const j of [i - 1, i + 1, i - side, i + side]) {
      if (wall[j] || inside[j]) continue;
      inside[j] = 1;
      next.push(j);
    }
  }
  return inside;
}

/** A mask with every set pixel widened to a square, `by` pixels to each side. */
function widened(mask, by, side) {
  return spread(spread(mask, by, side, 1), by, side, side);
}

function spread(mask, by, side, step) {
  const wide = new Uint8Array(mask.length);
  for (let lane = 0; lane < side; lane++) {
    const first = lane * (step === 1 ? side : 1);
    for (let i = 0, left = 0; i < side + by; i++) {
      left = i < side && mask[first + i * step] ? 2 * by + 1 : left - 1;
      if (left > 0 && i >= by) wide[first + (i - by) * step] = 1;
    }
  }
  return wide;
}

// ---- small things

function context(canvas) {
  canvas.width = canvas.height = SIDE * FINE;
  const found = canvas.getContext("2d", { willReadFrequently: true });
  found.scale(FINE, FINE);
  return found;
}

function wipe(on) {
  on.clearRect(0, 0, SIDE, SIDE);
}

function line(on, points, { dash = [] } = {}) {
  on.beginPath();
  on.setLineDash(dash);
  points.forEach((point) => on.lineTo(...point));
  trace(on);
}

function ring(on, [x, y], radius) {
  on.beginPath();
  on.setLineDash([]);
  on.arc(x, y, radius, 0, 2 * Math.PI);
  trace(on);
}

/** To be seen on paper and on ink. */
function trace(on) {
  on.lineWidth = 2.2;
  on.strokeStyle = "#ffffff";
  on.stroke();
  on.lineWidth = 1;
  on.strokeStyle = "#0067a3";
  on.stroke();
}

const round = (value) => Math.round(value * FINE) / FINE;
const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
const middle = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

// Places are first brought into a square from -1 to 1 ("spots"), so that two maps of the same images can turn into
// each other; zoom and shift bring spots onto the canvas, whose unit is a CSS pixel.

const MARGIN = 18; // pixels around the points at the lowest zoom
const REACH = { mouse: 9, pen: 12, touch: 20 }; // pixels from a point that still count as on it
const STILL = 4; // pixels that a pointer may move and still click
const MOST = 40; // times nearer
const CIRCLE = 45; // pixels: the radius of a lasso that is laid by a key
const RING = 12; // pixels: the radius of the mark
const CARD = 112; // pixels: the longer side of the image beside the pointer
const TURN = 700; // milliseconds in which a map turns into another
const HINTS = {
  point: "Click an image to see it large. The wheel or two fingers zoom; then dragging moves the map.",
  lasso: "Draw a line around images to list them below the map.",
};
const LABEL =
  "Arrow keys go from image to image, Enter picks one, or in Lasso mode selects those around it, plus and " +
  "minus zoom, 0 shows the whole map.";

class Plot {
  constructor(root) {
    this.root = root;
    this.field = root.querySelector(".field");
    this.points = root.querySelector(".points").getContext("2d");
    this.over = root.querySelector(".over").getContext("2d");
    this.canvas = this.over.canvas;
    this.tip = root.querySelector(".card");
    this.mode = "point";
    this.zoom = 1;
    this.shift = [0, 0];
    this.hidden = new Set(); // classes
    this.at = null; // the point under the pointer or the keyboard
    this.lasso = null; // corners, as spots
    this.fingers = new Map(); // pointers that are down, by their id
    this.sheet = new Image();
    this.own = new Image();
    this.sheet.onload = this.own.onload = () => this.showTip();
    this.listen();
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.field);
  }

  // ---- what Python says

  take(data) {
    const before = this.data;
    this.data = data;
    this.gathered = new Set(data.gathered);
    this.picked = data.picked;
    if (!data.gathered.length) this.lasso = null;
    if (this.sheet.src !== data.sheet) this.sheet.src = data.sheet;
    if (this.own.src !== data.mark.picture) this.own.src = data.mark.picture;
    this.canvas.setAttribute("aria-label", `${data.label} ${LABEL}`);
    if (!before || String(before.places) !== String(data.places)) this.arrange(before);
    else this.mark = spotOf(data.mark.place, this.frame);
    this.at = this.isShown(this.at) ? this.at : null;
    if (!before || JSON.stringify(before.classes) !== JSON.stringify(data.classes)) {
      this.hidden.clear();
      this.showLegend(); // only then: a button keeps its focus
    }
    this.set({});
  }

  /** Another map. Where its images are the same, each goes from its old place to its new one. */
  arrange(before) {
    const { places, mark } = this.data;
    const old = this.spots;
    this.frame = frameOf([...places, mark.place]);
    const next = places.map((place) => spotOf(place, this.frame));
    this.mark = spotOf(mark.place, this.frame);
    this.lasso = null;
    this.at = null;
    this.whole();
    cancelAnimationFrame(this.turning);
    this.spots = next;
    if (!before || before.sheet !== this.data.sheet || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const begin = performance.now();
    const step = () => {
      const part = Math.min((performance.now() - begin) / TURN, 1);
      const eased = part * part * (3 - 2 * part);
      this.spots = next.map((to, i) => [0, 1].map((axis) => old[i][axis] + eased * (to[axis] - old[i][axis])));
      this.draw();
      if (part < 1) this.turning = requestAnimationFrame(step);
    };
    step();
  }

  isShown(index) {
    const { labels, wrong, onlyWrong } = this.data;
    return index !== null && index < labels.length && !this.hidden.has(labels[index]) && (wrong[index] || !onlyWrong);
  }

  get shown() {
    return this.spots.map((_, index) => index).filter((index) => this.isShown(index));
  }

  // ---- from spots to the canvas, and back

  get size() {
    return [this.field.clientWidth, this.field.clientHeight];
  }

  get scale() {
    const [half, high] = this.size.map((length) => length / 2 - MARGIN);
    return this.zoom * Math.min(half / this.frame.half[0], high / this.frame.half[1]);
  }

  onCanvas([x, y]) {
    const [width, height] = this.size;
    return [width / 2 + this.shift[0] + x * this.scale, height / 2 + this.shift[1] - y * this.scale];
  }

  toSpot([x, y]) {
    const [width, height] = this.size;
    return [(x - width / 2 - this.shift[0]) / this.scale, (height / 2 + this.shift[1] - y) / this.scale];
  }

  /** What keys and buttons zoom about: the point that is looked at, or the middle of what is seen. */
  get focus() {
    return this.at === null ? this.size.map((length) => length / 2) : this.onCanvas(this.spots[this.at]);
  }

  /** Zoom such that what is under a place on the canvas stays there. */
  zoomBy(factor, place = this.focus) {
    const kept = this.toSpot(place);
    this.zoom = clamped(this.zoom * factor, 1, MOST);
    const now = this.onCanvas(kept);
    this.moveBy([place[0] - now[0], place[1] - now[1]]);
  }

  moveBy(by) {
    this.shift = this.size.map((length, axis) => {
      const most = ((this.zoom - 1) * length) / 2;
      return clamped(this.shift[axis] + by[axis], -most, most);
    });
    this.set({});
  }

  whole() {
    this.zoom = 1;
    this.shift = [0, 0];
    this.set({});
  }

  nearest([x, y], reach) {
    let best = null;
    for (const index of this.shown) {
      const [u, v] = this.onCanvas(this.spots[index]);
      const far = Math.hypot(u - x, v - y);
      if (far < reach) [best, reach] = [index, far];
    }
    return best;
  }

  // ---- what is seen

  draw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      if (this.data && this.field.clientWidth) this.paint();
    });
  }

  paint() {
    const sharp = devicePixelRatio || 1;
    for (const { canvas } of [this.points, this.over]) {
      const [width, height] = this.size.map((length) => Math.round(length * sharp));
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    }
    this.colours = coloursOf(this.root.querySelector(".scatter"));
    this.paintPoints(sharp);
    this.paintOver(sharp);
    this.showTip();
  }

  paintPoints(sharp) {
    const on = this.points;
    const { labels, classes } = this.data;
    const shapes = classes.map(({ shape }) => new Path2D(shape));
    const radius = this.radius;
    on.resetTransform();
    on.clearRect(0, 0, on.canvas.width, on.canvas.height);
    const some = this.shown.some((index) => this.gathered.has(index));
    const isFaint = (index) => some && !this.gathered.has(index);
    for (const faint of [true, false]) {
      on.globalAlpha = faint ? 0.18 : 0.9;
      for (const index of this.shown) {
        if (isFaint(index) !== faint) continue;
        const [x, y] = this.onCanvas(this.spots[index]);
        on.setTransform(sharp * radius, 0, 0, sharp * radius, sharp * x, sharp * y);
        const { colour, hollow } = classes[labels[index]];
        on.lineWidth = (hollow ? 2 : 0.7) / radius;
        on.strokeStyle = hollow ? colour : "rgb(0 0 0 / 55%)";
        on.fillStyle = colour;
        if (!hollow) on.fill(shapes[labels[index]]);
        on.stroke(shapes[labels[index]]);
      }
    }
    on.setTransform(sharp, 0, 0, sharp, 0, 0);
    on.globalAlpha = 1;
    if (this.data.axes) this.paintAxes(on);
  }

  /** Larger where there are few, and somewhat larger from near. */
  get radius() {
    const few = clamped(160 / Math.sqrt(this.spots.length), 3.2, 6);
    return few * Math.min(1 + Math.log2(this.zoom) / 4, 2);
  }

  paintAxes(on) {
    const [across, up] = this.data.axes;
    const [, height] = this.size;
    on.font = `12px ${this.colours.font}`;
    haloed(on, `${across} →`, [10, height - 9], this.colours);
    on.save();
    on.translate(16, height - 26);
    on.rotate(-Math.PI / 2);
    haloed(on, `${up} →`, [0, 0], this.colours);
    on.restore();
  }

  paintOver(sharp) {
    const on = this.over;
    on.setTransform(sharp, 0, 0, sharp, 0, 0);
    on.clearRect(0, 0, ...this.size);
    const corners = (this.stroke ?? this.lasso ?? []).map((corner) => this.onCanvas(corner));
    if (corners.length > 1) {
      on.beginPath();
      corners.forEach((corner) => on.lineTo(...corner));
      on.closePath();
      on.globalAlpha = 0.1;
      on.fillStyle = this.colours.primary;
      on.fill();
      on.globalAlpha = 1;
      this.trace(on, 1.5, [5, 4]);
    }
    if (this.isShown(this.picked)) this.ring(this.spots[this.picked], this.radius + 4, 2);
    this.paintMark(on);
    if (this.at !== null) this.ring(this.spots[this.at], this.radius + 3, 2);
  }

  /** A ring with words: the image in view must be found at once. */
  paintMark(on) {
    const [x, y] = this.onCanvas(this.mark);
    const [width] = this.size;
    this.ring(this.mark, RING, 2.5);
    on.font = `600 13px ${this.colours.font}`;
    const words = "the image in view";
    const left = x + 20 + on.measureText(words).width > width;
    on.textAlign = left ? "right" : "left";
    haloed(on, words, [left ? x - 20 : x + 20, y + 4], this.colours);
    on.textAlign = "left";
  }

  ring(spot, radius, width) {
    this.over.beginPath();
    this.over.arc(...this.onCanvas(spot), radius, 0, 2 * Math.PI);
    this.trace(this.over, width);
  }

  /** To be seen on points of any colour. */
  trace(on, width, dash = []) {
    on.setLineDash([]);
    on.lineWidth = width + 2;
    on.strokeStyle = this.colours.ground;
    on.stroke();
    on.setLineDash(dash);
    on.lineWidth = width;
    on.strokeStyle = this.colours.text;
    on.stroke();
  }

  showTip() {
    const { data, tip, at } = this;
    const isMark = at === null && this.onMark;
    tip.hidden = (at === null && !isMark) || !!this.stroke;
    if (tip.hidden) return;
    const { width: wide, height: high, columns } = data;
    const [name, answer, wrong] = isMark
      ? [data.mark.name, data.mark.answer, false]
      : [data.names[at], data.answers[at], data.wrong[at]];
    const small = tip.querySelector("canvas").getContext("2d");
    Object.assign(small.canvas, { width: wide, height: high });
    const shrink = CARD / Math.max(wide, high);
    Object.assign(small.canvas.style, { width: `${wide * shrink}px`, height: `${high * shrink}px` });
    if (isMark) small.drawImage(this.own, 0, 0, wide, high);
    else small.drawImage(this.sheet, -wide * (at % columns), -high * Math.floor(at / columns));
    tip.querySelector("strong").textContent = name;
    const says = tip.querySelector("span");
    says.textContent = `Predicted: ${answer}${wrong ? ", wrong" : ""}`;
    says.className = wrong ? "wrong" : "";
    const [x, y] = this.onCanvas(isMark ? this.mark : this.spots[at]);
    const [width, height] = this.size;
    const left = x > width / 2 ? x - tip.offsetWidth - 20 : x + 20;
    const top = clamped(y - tip.offsetHeight / 2, 4, height - tip.offsetHeight - 4);
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  showLegend() {
    const legend = this.root.querySelector(".legend");
    const { classes } = this.data;
    legend.replaceChildren(
      ...classes.map(({ name, colour, shape, hollow }, label) => {
        const title = `${name}. Hides or shows the class; with Shift it is shown alone`;
        const button = element("button", { type: "button", title });
        const painted = hollow ? `fill="none" stroke="${colour}" stroke-width="0.5"` : `fill="${colour}"`;
        button.innerHTML = `<svg viewBox="-1.5 -1.5 3 3" aria-hidden="true"><path d="${shape}" ${painted}/></svg>`;
        button.append(element("span", { textContent: name }));
        button.onclick = (event) => this.toggle(label, event.shiftKey);
        return button;
      }),
    );
    this.showHidden();
  }

  showHidden() {
    const buttons = this.root.querySelectorAll(".legend button");
    buttons.forEach((button, label) => button.setAttribute("aria-pressed", !this.hidden.has(label)));
  }

  toggle(label, alone) {
    const { classes } = this.data;
    if (alone) this.hidden = new Set(classes.map((_, other) => other).filter((other) => other !== label));
    else if (!this.hidden.delete(label)) this.hidden.add(label);
    this.at = null;
    this.showHidden();
    this.draw();
  }

  say(words) {
    this.root.querySelector(".said").textContent = words;
  }

  // ---- events

  listen() {
    const { root, canvas } = this;
    for (const radio of root.querySelectorAll("[name=mode]")) radio.onchange = () => this.set({ mode: radio.value });
    root.querySelector(".nearer").onclick = () => this.zoomBy(1.6);
    root.querySelector(".farther").onclick = () => this.zoomBy(1 / 1.6);
    root.querySelector(".whole").onclick = () => this.whole();
    canvas.onkeydown = (event) => this.key(event);
    canvas.onblur = () => this.look(null);
    canvas.onwheel = (event) => {
      const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002));
      if (factor <= 1 && this.zoom === 1) return; // the page scrolls on
      event.preventDefault();
      this.zoomBy(factor, this.where(event));
    };
    canvas.onpointerdown = (event) => this.down(event);
    canvas.onpointermove = (event) => this.move(event);
    canvas.onpointerup = (event) => this.up(event);
    canvas.onpointercancel = (event) => {
      this.fingers.delete(event.pointerId);
      this.stroke = this.start = null;
      this.dragged = false;
      this.set({});
    };
    canvas.onpointerleave = (event) => {
      if (this.fingers.size || event.pointerType === "touch") return; // a finger leaves by being lifted
      this.onMark = false;
      this.look(null);
    };
  }

  set(settings) {
    Object.assign(this, settings);
    const { root, canvas, mode, zoom } = this;
    for (const radio of root.querySelectorAll("[name=mode]")) radio.checked = radio.value === mode;
    root.querySelector(".hint").textContent = HINTS[mode];
    root.querySelector(".farther").disabled = root.querySelector(".whole").disabled = zoom === 1;
    root.querySelector(".nearer").disabled = zoom === MOST;
    const hand = zoom === 1 ? "default" : this.dragged ? "grabbing" : "grab";
    canvas.style.cursor = mode === "lasso" ? "crosshair" : hand;
    canvas.style.touchAction = mode === "lasso" || zoom > 1 ? "none" : "pan-y"; // else a phone could not scroll past
    this.draw();
  }

  where(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (event.button !== 0 || !this.data) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.where(event));
    this.start = this.fingers.size === 1 ? this.where(event) : null; // two fingers neither click nor draw
    this.stroke = this.start && this.mode === "lasso" ? [this.toSpot(this.start)] : null;
  }

  move(event) {
    const here = this.where(event);
    const before = this.fingers.get(event.pointerId);
    if (!before) return this.hover(here, event.pointerType);
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.fingers.set(event.pointerId, here);
    if (others.length) {
      const [other] = others;
      this.moveBy([0, 1].map((axis) => (here[axis] - before[axis]) / 2));
      this.zoomBy(distance(here, other) / Math.max(distance(before, other), 1), middle(here, other));
    } else if (this.stroke) {
      for (const each of event.getCoalescedEvents?.() ?? []) this.stroke.push(this.toSpot(this.where(each)));
      this.stroke.push(this.toSpot(here));
      this.draw();
    } else if (this.start && (this.dragged ||= distance(this.start, here) > STILL)) {
      this.at = null;
      this.moveBy([0, 1].map((axis) => here[axis] - before[axis]));
    }
  }

  up(event) {
    const here = this.where(event);
    const { start, stroke, dragged } = this;
    this.fingers.delete(event.pointerId);
    this.stroke = this.start = null;
    this.dragged = false;
    this.set({});
    if (!start) return;
    const long = stroke?.some((corner) => distance(this.onCanvas(corner), start) > 2 * STILL);
    if (long) this.close(stroke);
    else if (!dragged) this.click(here, event.pointerType);
  }

  hover(here, type) {
    const toMark = distance(here, this.onCanvas(this.mark));
    const reach = REACH[type] ?? REACH.mouse;
    this.onMark = toMark < RING;
    this.look(this.nearest(here, this.onMark ? Math.min(reach, toMark + 1) : reach)); // where it is a point, that one
  }

  click(here, type) {
    const index = this.nearest(here, REACH[type] ?? REACH.mouse);
    this.look(index);
    if (index !== null) this.choose(index);
    else if (this.mode === "lasso" && this.gathered.size) this.close([]);
  }

  look(index) {
    this.at = index;
    this.draw();
  }

  choose(index) {
    this.picked = index;
    this.tell("picked", index);
    this.draw();
  }

  /** What lies within the lasso is gathered; without corners, nothing. */
  close(corners) {
    this.lasso = corners.length ? corners : null;
    const area = new Path2D();
    corners.forEach((corner) => area.lineTo(...this.onCanvas(corner)));
    this.over.resetTransform();
    const inside = this.shown.filter((i) => this.over.isPointInPath(area, ...this.onCanvas(this.spots[i]), "evenodd"));
    this.gathered = new Set(inside);
    this.tell("lassoed", inside);
    this.say(corners.length ? `${inside.length} images selected.` : "Nothing is selected.");
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key in ARROWS) this.go(ARROWS[key]);
    else if ((key === "Enter" || key === " ") && this.at !== null) this.enter(this.at);
    else if (key === "+" || key === "=") this.zoomBy(1.6);
    else if (key === "-") this.zoomBy(1 / 1.6);
    else if (key === "0") this.whole();
    else if (key === "Escape" && (this.at !== null || this.stroke)) {
      this.stroke = this.start = null;
      this.look(null);
    } else return;
    event.preventDefault();
  }

  enter(index) {
    if (this.mode === "point") return this.choose(index);
    const [x, y] = this.onCanvas(this.spots[index]);
    const turns = Array.from({ length: 48 }, (_, i) => (i * Math.PI) / 24);
    this.close(turns.map((turn) => this.toSpot([x + CIRCLE * Math.cos(turn), y + CIRCLE * Math.sin(turn)])));
  }

  /** To the nearest point that way, a point aside counting as farther. */
  go([right, down]) {
    const from = this.at === null ? null : this.onCanvas(this.spots[this.at]);
    const cost = ([x, y]) => {
      if (!from) return distance([x, y], this.onCanvas(this.mark)); // the first step begins at the image in view
      const [across, along] = [x - from[0], y - from[1]];
      const ahead = across * right + along * down;
      const aside = Math.abs(right ? along : across);
      return ahead > 0.01 && aside <= ahead ? ahead + 2 * aside : Infinity;
    };
    let [best, least] = [null, Infinity];
    for (const index of this.shown) {
      const far = cost(this.onCanvas(this.spots[index]));
      if (far < least) [best, least] = [index, far];
    }
    if (best === null) return;
    this.at = best;
    this.reveal(best);
    const { names, answers, wrong } = this.data;
    this.say(`${names[best]}. Predicted: ${answers[best]}${wrong[best] ? ", wrong" : ""}.`);
  }

  reveal(index) {
    const place = this.onCanvas(this.spots[index]);
    this.moveBy(this.size.map((length, axis) => clamped(place[axis], MARGIN, length - MARGIN) - place[axis]));
  }

  remove() {
    this.watch.disconnect();
    cancelAnimationFrame(this.turning);
    cancelAnimationFrame(this.waiting);
    this.sheet.onload = this.own.onload = null;
    this.tell = () => {};
  }
}

// ---- small things

/** The middle of places and what they reach to both sides of it, the longer side as the unit. */
function frameOf(places) {
  const ends = [0, 1].map((axis) => {
    const values = places.map((place) => place[axis]);
    return [Math.min(...values), Math.max(...values)];
  });
  const unit = Math.max(...ends.map(([low, high]) => (high - low) / 2)) || 1;
  return {
    unit,
    centre: ends.map(([low, high]) => (low + high) / 2),
    half: ends.map(([low, high]) => Math.max((high - low) / 2 / unit, 0.05)),
  };
}

function spotOf(place, { centre, unit }) {
  return place.map((value, axis) => (value - centre[axis]) / unit);
}

function coloursOf(element) {
  const style = getComputedStyle(element);
  const named = (name) => style.getPropertyValue(name).trim();
  return {
    text: style.color,
    font: style.fontFamily,
    ground: named("--st-background-color"),
    primary: named("--st-primary-color"),
  };
}

function haloed(on, words, place, { text, ground }) {
  on.lineJoin = "round";
  on.setLineDash([]);
  on.lineWidth = 4;
  on.strokeStyle = ground;
  on.strokeText(words, ...place);
  on.fillStyle = text;
  on.fillText(words, ...place);
}

const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
const middle = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];

export default lasting(Plot);

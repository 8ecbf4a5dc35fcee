// A diagram that Python drew as SVG: its boxes are `[data-box]`, by their place, its buttons `[data-fold]`. This adds
// what a drawing cannot do: zoom, a card beside the box under the pointer or the keyboard, and what is told to Python.
//
// What the card shows of an image comes only when somebody wants it: the first box that is looked at asks for all.

const LEAST = 0.1; // times smaller
const MOST = 3; // times larger
const HINT =
  "Click a layer to open it, its arrow to unfold it. Keys: ↑ ↓ walk, Enter opens, → unfolds, ← folds, + and − zoom, " +
  "0 shows all. Ctrl and the wheel, or two fingers, zoom.";

class Diagram {
  constructor(root) {
    this.root = root;
    this.field = root.querySelector(".field");
    this.card = root.querySelector(".diagram > .card");
    this.maps = new Map(); // of each Keras layer: { image, words }
    this.place = 0; // of the box that Tab reaches
    this.looked = null; // the place of the box whose card is shown
    this.zoom = null; // none is chosen yet: as wide as there is room
    this.listen();
    this.watch = new ResizeObserver(() => this.scale());
    this.watch.observe(this.field);
  }

  // ---- what Python says

  take(data) {
    const before = this.data;
    this.data = data;
    this.field.style.setProperty("--height", `${data.height}px`);
    this.root.querySelector(".hint").textContent = HINT;
    if (before && before.key !== data.key) [this.asked, this.maps] = [false, new Map()]; // another network
    if (data.maps) for (const [name, shown] of Object.entries(data.maps)) this.maps.set(name, shown);
    if (data.problem) this.problem = data.problem;
    if (before?.svg !== data.svg) this.draw(before?.key !== data.key);
    this.boxes.forEach((box, place) => {
      box.setAttribute("aria-pressed", String(data.boxes[place].block >= 0 && data.boxes[place].block === data.opened));
    });
    const all = this.root.querySelector(".all");
    all.hidden = !data.foldable;
    all.querySelector("i").textContent = data.unfolded ? "unfold_less" : "unfold_more";
    all.querySelector("span").textContent = data.unfolded ? "Fold all" : "Unfold all";
    this.look(this.looked);
  }

  draw(another) {
    const { data, root } = this;
    const focused = root.activeElement?.closest?.("[data-box], [data-fold]");
    const output = this.boxes && this.shown?.[this.place]?.output;
    const block = this.shown?.[this.place]?.block;
    const seen = [this.field.scrollLeft, this.field.scrollTop];
    this.field.innerHTML = data.svg;
    this.svg = this.field.querySelector("svg");
    this.svg.setAttribute("role", "group");
    this.svg.setAttribute("aria-describedby", "hint");
    this.boxes = [...this.svg.querySelectorAll("[data-box]")];
    this.shown = data.boxes;
    const same = [(box) => box.output === output, (box) => box.block === block, () => true];
    this.place = another ? 0 : data.boxes.findIndex(same.find((is) => data.boxes.some(is)));
    this.boxes.forEach((box, place) => {
      box.setAttribute("role", "button");
      box.setAttribute("tabindex", place === this.place ? "0" : "-1");
      if (data.boxes[place].foldable) box.setAttribute("aria-expanded", "false");
    });
    for (const button of this.svg.querySelectorAll("[data-fold]")) {
      button.setAttribute("role", "button");
      button.setAttribute("tabindex", "-1");
    }
    this.looked = null;
    if (another) this.zoom = null;
    this.scale();
    if (!another) [this.field.scrollLeft, this.field.scrollTop] = seen;
    if (focused) this.boxes[this.place].focus({ preventScroll: true });
  }

  // ---- zoom

  get natural() {
    return [this.svg.viewBox.baseVal.width, this.svg.viewBox.baseVal.height];
  }

  get room() {
    const padding = 18; // within the field, both sides, and a hair
    return [this.field.clientWidth - padding, this.field.clientHeight - padding];
  }

  scale() {
    if (!this.svg || !this.field.clientWidth) return;
    const zoom = this.zoom ?? Math.min(1, this.room[0] / this.natural[0]);
    this.at = zoom;
    this.svg.setAttribute("width", this.natural[0] * zoom);
    this.svg.setAttribute("height", this.natural[1] * zoom);
    this.root.querySelector(".nearer").disabled = zoom >= MOST;
    this.root.querySelector(".farther").disabled = zoom <= LEAST;
  }

  /** Zoom such that what is under a place in the field, its middle by itself, stays there. */
  zoomBy(factor, [x, y] = [this.field.clientWidth / 2, this.field.clientHeight / 2]) {
    const { field, at } = this;
    this.zoom = clamped(at * factor, LEAST, MOST);
    this.scale();
    const grown = this.at / at;
    field.scrollLeft = (field.scrollLeft + x) * grown - x;
    field.scrollTop = (field.scrollTop + y) * grown - y;
    this.put();
  }

  whole() {
    this.zoom = clamped(Math.min(this.room[0] / this.natural[0], this.room[1] / this.natural[1]), LEAST, MOST);
    this.scale();
    this.put();
  }

  // ---- the card

  look(place) {
    this.looked = place;
    const { data, card } = this;
    card.togglePopover(place !== null); // above all that Streamlit draws, also while it draws anew
    if (place === null) return;
    const box = data.boxes[place];
    card.querySelector("strong").textContent = box.title;
    card.querySelector("ul").replaceChildren(...box.facts.map((fact) => element("li", { textContent: fact })));
    const shown = this.maps.get(box.output);
    const image = card.querySelector("img");
    image.hidden = !shown;
    if (shown) image.src = shown.image;
    image.onload = () => this.put();
    card.querySelector("span").textContent = shown?.words ?? this.problem ?? (data.trained ? "Its feature maps come…" : "");
    if (data.trained && !shown && !this.asked) {
      this.asked = true;
      this.tell("wanted", data.key);
    }
    this.put();
  }

  /** Right of its box; where there is no room, below it or above. */
  put() {
    if (this.looked === null) return;
    const { card } = this;
    const box = this.boxes[this.looked].getBoundingClientRect();
    const [most, lowest] = [document.documentElement.clientWidth - card.offsetWidth - 8, innerHeight - card.offsetHeight - 4];
    let [left, top] = [box.right + 10, clamped(box.top, 4, Math.max(lowest, 4))];
    if (left > most) {
      left = clamped(box.left + 40, 4, Math.max(most, 4));
      top = box.bottom + 6 <= lowest ? box.bottom + 6 : box.top - card.offsetHeight - 6;
    }
    card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  // ---- events

  listen() {
    const { root, field } = this;
    root.querySelector(".nearer").onclick = () => this.zoomBy(1.25);
    root.querySelector(".farther").onclick = () => this.zoomBy(1 / 1.25);
    root.querySelector(".whole").onclick = () => this.whole();
    root.querySelector(".all").onclick = () => this.tell("folded", this.data.unfolded ? "none" : "all");
    field.onclick = ({ target }) => {
      const fold = target.closest("[data-fold]");
      if (fold) return this.fold(Number(fold.dataset.fold));
      const box = target.closest("[data-box]");
      if (box) this.open(Number(box.dataset.box));
    };
    field.onpointermove = (event) => {
      if (event.pointerType === "touch") return; // there a tap opens the layer, and a card would cover it
      const here = `${event.clientX} ${event.clientY}`;
      if (here === this.pointer) return; // keys have moved the diagram below it
      this.pointer = here;
      const box = event.target.closest("[data-box]");
      const place = box ? Number(box.dataset.box) : null;
      if (place === this.clicked) return; // what it has opened would be covered
      this.clicked = undefined;
      this.look(place);
    };
    field.onpointerleave = () => {
      this.clicked = undefined;
      this.look(null);
    };
    field.addEventListener("focusin", ({ target }) => {
      const box = target.closest("[data-box]");
      if (!box) return;
      this.reach(Number(box.dataset.box));
      if (box.matches(":focus-visible")) this.look(this.place);
    });
    field.addEventListener("focusout", () => this.look(null));
    field.onscroll = this.follow = () => this.put();
    window.addEventListener("scroll", this.follow, true);
    field.onkeydown = (event) => this.key(event);
    field.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.004)), this.within(event));
    }, { passive: false });
    field.addEventListener("touchstart", (event) => { this.spread = spread(event); }, { passive: true });
    field.addEventListener("touchmove", (event) => {
      const now = spread(event);
      if (now && this.spread) {
        event.preventDefault();
        const [one, other] = event.touches;
        const middle = { clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 };
        this.zoomBy(now / this.spread, this.within(middle));
      }
      this.spread = now;
    }, { passive: false });
  }

  within({ clientX, clientY }) {
    const box = this.field.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.boxes.length) return;
    const box = this.data.boxes[this.place];
    const act = {
      ArrowDown: () => this.go(this.place + 1),
      ArrowUp: () => this.go(this.place - 1),
      Home: () => this.go(0),
      End: () => this.go(this.boxes.length - 1),
      Enter: () => this.open(this.place),
      " ": () => this.open(this.place),
      ArrowRight: () => box.foldable && !box.part && this.fold(box.block),
      ArrowLeft: () => box.part && this.fold(box.block),
      "+": () => this.zoomBy(1.25),
      "=": () => this.zoomBy(1.25),
      "-": () => this.zoomBy(1 / 1.25),
      0: () => this.whole(),
      Escape: () => this.look(null),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Let Tab reach another box. */
  reach(place) {
    this.boxes[this.place].setAttribute("tabindex", "-1");
    this.place = place;
    this.boxes[place].setAttribute("tabindex", "0");
  }

  go(place) {
    this.reach(clamped(place, 0, this.boxes.length - 1));
    const box = this.boxes[this.place];
    const [seen, whole] = [box.getBoundingClientRect(), this.field.getBoundingClientRect()];
    if (seen.top < whole.top + 8) this.field.scrollTop -= whole.top + 8 - seen.top;
    if (seen.bottom > whole.bottom - 8) this.field.scrollTop += seen.bottom - whole.bottom + 8;
    box.focus({ preventScroll: true });
  }

  open(place) {
    const { block, title } = this.data.boxes[place];
    this.reach(place);
    if (block < 0) return;
    this.clicked = place;
    this.look(null);
    const closes = block === this.data.opened;
    this.root.querySelector(".said").textContent = closes ? `${title} is closed.` : `${title} is open beside the diagram.`;
    this.tell("opened", closes ? -1 : block);
  }

  fold(block) {
    this.place = Math.max(this.data.boxes.findIndex((box) => box.block === block), 0);
    this.tell("folded", block);
  }

  remove() {
    window.removeEventListener("scroll", this.follow, true);
    if (this.card.isConnected) this.look(null);
    this.watch.disconnect();
    this.tell = () => {};
  }
}

/** How far two fingers are apart; null where there are not two. */
function spread({ touches }) {
  if (touches.length !== 2) return null;
  const [one, other] = touches;
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}

export default lasting(Diagram);

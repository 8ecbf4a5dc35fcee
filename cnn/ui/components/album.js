// Thumbnails to be selected by the hundred. A click or Space selects one, Shift all between, Ctrl+A all, Escape none;
// a double click or Enter opens one; Delete takes the selected ones away. Arrow keys walk from one to the next.

const SETTLED = 200; // milliseconds after the last click until Python is told

class Album {
  constructor(root) {
    this.root = root;
    this.field = root.querySelector(".album");
    this.tiles = [];
    this.urls = [];
    this.selected = new Set();
    this.said = 0; // how many selections Python was told of
    this.last = 0; // where a selection with Shift begins
    this.field.onkeydown = (event) => this.press(event);
    this.field.onclick = (event) => this.click(event);
    this.field.ondblclick = (event) => this.open(this.index(event.target));
  }

  take(data) {
    this.field.setAttribute("aria-label", data.label);
    const key = JSON.stringify(data.images);
    if (key !== this.key) this.draw(data.images);
    this.key = key;
    // What Python says of the selection may be older than the last click.
    if (data.heard >= this.said && !this.waiting) {
      this.said = data.heard;
      this.selected = new Set(data.selected);
    }
    this.mark();
  }

  draw(images) {
    const focused = this.root.activeElement?.dataset?.name;
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    this.urls = [];
    this.tiles = images.map(({ name, data }) => {
      const tile = element("button", { className: "tile", title: name });
      tile.dataset.name = name;
      tile.setAttribute("aria-label", name);
      if (data) {
        const url = URL.createObjectURL(new Blob([bytes(data)], { type: "image/webp" }));
        this.urls.push(url);
        tile.append(element("img", { src: url, alt: "", draggable: false }));
      } else {
        tile.append(element("span", { className: "lost", textContent: "unreadable" }));
      }
      tile.append(element("span", { className: "tick", textContent: "✓", ariaHidden: "true" }));
      return tile;
    });
    this.field.replaceChildren(...this.tiles);
    this.last = 0;
    const start = this.tiles.find((tile) => tile.dataset.name === focused);
    this.tiles.forEach((tile) => (tile.tabIndex = -1));
    if (this.tiles.length) (start ?? this.tiles[0]).tabIndex = 0;
    start?.focus({ preventScroll: true });
  }

  mark() {
    for (const tile of this.tiles) tile.setAttribute("aria-pressed", String(this.selected.has(tile.dataset.name)));
  }

  index(target) {
    return this.tiles.indexOf(target.closest?.(".tile"));
  }

  click(event) {
    const index = this.index(event.target);
    if (index < 0 || event.detail > 1) return; // the second click of a double one
    this.walk(index);
    this.toggle(index, event.shiftKey);
  }

  /** Select one that is not selected, or the other way; with Shift all from the last one on. */
  toggle(index, through) {
    const name = this.tiles[index].dataset.name;
    if (through) {
      const [first, last] = [Math.min(this.last, index), Math.max(this.last, index)];
      this.tiles.slice(first, last + 1).forEach((tile) => this.selected.add(tile.dataset.name));
    } else if (!this.selected.delete(name)) {
      this.selected.add(name);
    }
    this.last = index;
    this.tellSelected();
  }

  tellSelected() {
    this.mark();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.waiting = null;
      this.said += 1;
      this.tell("did", { act: "select", names: [...this.selected], number: this.said });
    }, SETTLED);
  }

  open(index) {
    if (index < 0) return;
    this.tell("did", { act: "open", names: [this.tiles[index].dataset.name], number: this.said });
  }

  press(event) {
    const index = this.index(event.target);
    if (index < 0) return;
    const all = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a";
    const keys = {
      " ": () => this.toggle(index, event.shiftKey),
      Enter: () => this.open(index),
      Delete: () => this.deleteSelected(),
      Escape: () => { this.selected.clear(); this.tellSelected(); },
      ArrowRight: () => this.walk(index + 1),
      ArrowLeft: () => this.walk(index - 1),
      ArrowDown: () => this.walk(index + this.columns()),
      ArrowUp: () => this.walk(index - this.columns()),
      Home: () => this.walk(0),
      End: () => this.walk(this.tiles.length - 1),
    };
    if (all) {
      this.tiles.forEach((tile) => this.selected.add(tile.dataset.name));
      this.tellSelected();
    } else if (!(event.key in keys)) {
      return;
    } else {
      keys[event.key]();
    }
    event.preventDefault();
    event.stopPropagation();
  }

  deleteSelected() {
    if (!this.selected.size) return;
    clearTimeout(this.waiting);
    this.waiting = null;
    this.said += 1;
    this.tell("did", { act: "delete", names: [...this.selected], number: this.said });
  }

  walk(to) {
    const next = this.tiles[to];
    if (!next) return;
    this.tiles.forEach((tile) => (tile.tabIndex = -1));
    next.tabIndex = 0;
    next.focus();
  }

  columns() {
    const top = this.tiles[0].offsetTop;
    const count = this.tiles.findIndex((tile) => tile.offsetTop > top);
    return count < 0 ? this.tiles.length : count;
  }

  remove() {
    clearTimeout(this.waiting);
    this.urls.forEach((url) => URL.revokeObjectURL(url));
  }
}

export default lasting(Album);

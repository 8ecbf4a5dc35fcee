// Many small maps in strips. Every map is a button: click it, or reach it with Tab and the arrow keys and press Enter.
// The maps of a strip come as one picture with a pixel for each value; hovering shows the value, where it was sent.

const sheets = new WeakMap(); // parentElement -> Sheet: this function is called anew whenever the data or theme change

export default function ({ data, parentElement, setTriggerValue }) {
  let sheet = sheets.get(parentElement);
  if (!sheet) sheets.set(parentElement, (sheet = new Sheet(parentElement)));
  sheet.pick = (strip, map) => setTriggerValue("picked", { strip, map });
  sheet.take(data);
  return () => {
    sheet.remove();
    sheets.delete(parentElement);
  };
}

class Sheet {
  constructor(root) {
    this.root = root;
    this.field = root.querySelector(".sheet");
    this.tip = root.querySelector(".tip");
    this.strips = []; // as they are drawn: { key, section, maps, url }
    this.field.onkeydown = (event) => this.move(event);
  }

  /** Draw these strips. One that has not changed stays as it is, but for its marks. */
  take(data) {
    this.tip.hidden = true;
    this.field.setAttribute("role", "group");
    this.field.setAttribute("aria-label", data.label);
    const before = this.strips;
    this.strips = data.strips.map((strip, number) => {
      const key = JSON.stringify({ ...strip, chosen: null, picks: data.picks });
      const same = before[number]?.key === key;
      return same ? before[number] : { key, ...this.drawn(strip, number, data.picks) };
    });
    const place = this.root.activeElement?.dataset?.place;
    const kept = new Set(this.strips);
    before.filter((strip) => !kept.has(strip)).forEach((strip) => URL.revokeObjectURL(strip.url));
    if (this.strips.some((strip, number) => strip !== before[number]) || before.length !== this.strips.length) {
      this.field.replaceChildren(...this.strips.map((strip) => strip.section));
    }
    this.strips.forEach((strip, number) => {
      const chosen = new Set(data.strips[number].chosen);
      strip.maps.forEach((map, index) => map.setAttribute("aria-pressed", String(chosen.has(index))));
    });
    this.all = data.picks ? this.strips.flatMap((strip) => strip.maps) : [];
    const start =
      this.all.find((map) => map.dataset.place === place) ??
      this.all.find((map) => map.getAttribute("aria-pressed") === "true") ??
      this.all[0];
    this.all.forEach((map) => (map.tabIndex = map === start ? 0 : -1));
    if (place && start !== this.root.activeElement) start?.focus({ preventScroll: true });
  }

  /** A strip as elements. */
  drawn(strip, number, picks) {
    const section = document.createElement("section");
    section.className = "strip";
    if (strip.caption) {
      const head = document.createElement(picks ? "button" : "span");
      head.className = "head";
      head.textContent = strip.caption;
      if (picks) head.onclick = () => this.pick(number, null);
      section.append(head);
    }
    const url = URL.createObjectURL(new Blob([bytes(strip.sprite)], { type: "image/png" }));
    const values = strip.values && floats(strip.values);
    const [width, height] = [strip.width * strip.scale, strip.height * strip.scale];
    const field = document.createElement("div");
    field.className = "maps";
    field.style.setProperty("--sprite", `url(${url})`);
    field.style.setProperty("--size", `${strip.columns * width}px ${strip.rows * height}px`);
    field.style.setProperty("--width", `${width}px`);
    field.style.setProperty("--height", `${height}px`);
    const maps = strip.names.map((name, index) => {
      const map = document.createElement("button");
      map.className = "map";
      map.dataset.place = `${number}-${index}`;
      map.setAttribute("aria-label", name);
      map.disabled = !picks;
      const [column, row] = [index % strip.columns, Math.floor(index / strip.columns)];
      map.style.backgroundPosition = `${-column * width}px ${-row * height}px`;
      if (!values) map.title = name;
      return map;
    });
    field.append(...maps);
    field.onclick = ({ target }) => maps.includes(target) && this.pick(number, strip.maps[maps.indexOf(target)]);
    if (values) {
      field.onpointermove = (event) => this.read(event, strip, values, maps.indexOf(event.target));
      field.onpointerleave = () => (this.tip.hidden = true);
    }
    section.append(field);
    return { section, maps, url };
  }

  /** Say the value under the pointer. */
  read(event, strip, values, index) {
    this.tip.hidden = index < 0;
    if (index < 0) return;
    const box = event.target.getBoundingClientRect();
    const within = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
    const row = within((event.clientY - box.top) / box.height, strip.height);
    const column = within((event.clientX - box.left) / box.width, strip.width);
    const value = values[(index * strip.height + row) * strip.width + column];
    this.tip.textContent = `${strip.names[index]} · row ${row + 1}, column ${column + 1}: ${value.toPrecision(4)}`;
    const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - this.tip.offsetWidth - 4);
    this.tip.style.left = `${Math.max(4, left)}px`;
    this.tip.style.top = `${event.clientY + 16}px`;
  }

  /** Walk from map to map. */
  move(event) {
    const now = this.all.indexOf(this.root.activeElement);
    if (now < 0) return;
    const last = this.all.length - 1;
    const next = {
      ArrowRight: () => this.all[now + 1],
      ArrowLeft: () => this.all[now - 1],
      ArrowDown: () => this.beyond(now, 1),
      ArrowUp: () => this.beyond(now, -1),
      Home: () => this.all[0],
      End: () => this.all[last],
    }[event.key]?.();
    if (!(event.key.startsWith("Arrow") || next)) return;
    event.preventDefault();
    if (!next) return;
    this.all[now].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  /** The map that is nearest in the next row, down (1) or up (-1). */
  beyond(now, way) {
    const centre = (map) => {
      const box = map.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    };
    const [x, y] = centre(this.all[now]);
    const step = this.all[now].offsetHeight / 2;
    let [best, found] = [Infinity, null];
    for (const map of this.all) {
      const [across, down] = [Math.abs(centre(map)[0] - x), (centre(map)[1] - y) * way];
      if (down > step && down * 4 + across < best) [best, found] = [down * 4 + across, map];
    }
    return found;
  }

  remove() {
    this.strips.forEach((strip) => URL.revokeObjectURL(strip.url));
  }
}

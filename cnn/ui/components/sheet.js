// Many small maps in strips. Every map is a button: click it, or reach it with Tab and the arrow keys and press Enter.
// The maps of a strip come as one image with a pixel for each value; hovering shows the value, where it was sent.

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
    const head = element(picks ? "button" : "span", { className: "head", textContent: strip.caption });
    if (picks) head.onclick = () => this.pick(number, null);
    const url = URL.createObjectURL(new Blob([bytes(strip.sprite)], { type: "image/png" }));
    const values = strip.values && floats(strip.values);
    const [width, height] = [strip.width * strip.scale, strip.height * strip.scale];
    const maps = strip.names.map((name, index) => {
      const map = element("button", { className: "map", disabled: !picks, title: values ? "" : name });
      map.dataset.place = `${number}-${index}`;
      map.setAttribute("aria-label", name);
      const [column, row] = [index % strip.columns, Math.floor(index / strip.columns)];
      map.style.backgroundPosition = `${-column * width}px ${-row * height}px`;
      return map;
    });
    const field = element("div", { className: "maps" }, ...maps);
    const lengths = { width, height, size: `${strip.columns * width}px ${strip.rows * height}` };
    field.style.setProperty("--sprite", `url(${url})`);
    for (const [name, length] of Object.entries(lengths)) field.style.setProperty(`--${name}`, `${length}px`);
    field.onclick = ({ target }) => maps.includes(target) && this.pick(number, strip.maps[maps.indexOf(target)]);
    if (values) {
      field.onpointermove = (event) => this.read(event, strip, values, maps.indexOf(event.target));
      field.onpointerleave = () => (this.tip.hidden = true);
    }
    const section = element("section", { className: "strip" }, ...(strip.caption ? [head] : []), field);
    return { section, maps, url };
  }

  /** Say the value under the pointer. */
  read(event, strip, values, index) {
    this.tip.hidden = index < 0;
    if (index < 0) return;
    const [row, column] = pixelAt(event, event.target, strip.height, strip.width);
    const value = values[(index * strip.height + row) * strip.width + column];
    showTip(this.tip, event, `${strip.names[index]} · row ${row + 1}, column ${column + 1}: ${value.toPrecision(4)}`);
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

  pick(strip, map) {
    this.tell("picked", { strip, map });
  }

  remove() {
    this.strips.forEach((strip) => URL.revokeObjectURL(strip.url));
  }
}

export default lasting(Sheet);

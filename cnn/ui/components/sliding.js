// A window slides over an image: by hand, with the arrow keys or by itself. What lies in it is written out.

const ONE = "http://www.w3.org/2000/svg";
const short = (value) => (Math.abs(value) < 0.005 ? 0 : value).toFixed(Math.abs(value) >= 100 ? 0 : 2);
const exact = (value) => String(Number(value.toPrecision(5))).replace("-", "−");
const term = (value) => (value < 0 ? `(${short(value).replace("-", "−")})` : short(value));

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const { kernel, stride, dilation, bias, channels, output, editable } = data;
  const [above, below, left, right] = data.zeros;
  const rows = data.rows + above + below, columns = data.columns + left + right;
  const span = dilation * (kernel - 1) + 1;
  const values = channels.map((channel) => floats(channel.values)); // of the image with its border
  const mapped = floats(output.values);
  const state = (parentElement.sliding ??= { row: Math.floor(output.rows / 2), column: Math.floor(output.columns / 2) });
  clearTimeout(state.timer);
  state.row = Math.min(state.row, output.rows - 1);
  state.column = Math.min(state.column, output.columns - 1);

  const [input, result] = [find(".input"), find(".output")];
  const [inputMarks, outputMarks] = [input, result].map((frame) => frame.querySelector(".marks"));

  // ---------------------------------------------------------------- what stays while the window slides

  const lay = (frame, marks, height, width, label) => {
    frame.style.aspectRatio = `${width} / ${height}`;
    frame.closest("figure").style.setProperty("--size", `${data.size}px`);
    frame.setAttribute("aria-label", label);
    marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
  };
  lay(input, inputMarks, rows, columns, data.label);
  lay(result, outputMarks, output.rows, output.columns, output.label);
  Object.assign(input.querySelector(".image").style, {
    left: `${(left / columns) * 100}%`, top: `${(above / rows) * 100}%`,
    width: `${(data.columns / columns) * 100}%`, height: `${(data.rows / rows) * 100}%`,
    backgroundImage: `url(${data.picture})`,
  });
  result.querySelector(".image").style.backgroundImage = `url(${output.picture})`;
  find(".of-input").textContent = data.caption;
  find(".of-output").textContent = output.caption;
  showScale(find(".scale"), output);
  inputMarks.querySelector(".unseen").setAttribute(
    "d", data.unseen.map(([row, column]) => `M${column + left} ${row + above}h1v1h-1z`).join(""),
  );

  const write = (frame, height, width, cells) => writeNumbers(frame.querySelector(".numbers"), height, width, cells);
  const inside = (row, column) =>
    row >= above && row < above + data.rows && column >= left && column < left + data.columns;
  write(input, rows, columns, data.dark === null ? [] : Array.from({ length: rows * columns }, (_, at) => {
    const row = Math.floor(at / columns), column = at % columns;
    if (!inside(row, column)) return { text: "0", outside: true };
    return { text: exact(Number(values[0][at].toPrecision(2))), dark: data.dark[(row - above) * data.columns + column - left] };
  }));
  write(result, output.rows, output.columns, output.dark === null ? [] :
    [...mapped].map((value, at) => ({ text: exact(Number(value.toPrecision(2))), dark: output.dark[at] })));

  // ---------------------------------------------------------------- the kernels, which may be edited

  const [cellWidth, digits] =
    kernel > 5 ? ["2.35rem", "0.68rem"] : kernel > 3 ? ["2.75rem", "0.75rem"] : ["3.3rem", "0.85rem"];
  const grid = (title, make) => {
    const made = Array.from({ length: kernel * kernel }, (_, at) => make(Math.floor(at / kernel), at % kernel));
    const cells = element("div", { className: "grid" }, ...made);
    for (const [name, value] of [["--kernel", kernel], ["--cell", cellWidth], ["--digits", digits]]) {
      cells.style.setProperty(name, value);
    }
    return { box: element("div", {}, element("span", { innerHTML: title }), cells), cells: made };
  };
  const text = (written = "") => element("output", { textContent: written });
  const sign = (character) => element("span", { className: "sign", textContent: character });
  const weights = channels.map((channel) => channel.kernel);

  const blocks = channels.map((channel, index) => {
    const of = channels.length > 1 ? `, ${channel.name}` : "";
    const x = grid(`window <i>x</i>${of}`, () => text());
    const w = grid(`kernel <i>w</i>${of}`, (u, v) => {
      const at = u * kernel + v;
      if (!editable) return text(short(weights[index][at]));
      const shown = () => Number(weights[index][at].toPrecision(4));
      const field = element("input", { type: "text", inputMode: "decimal", value: shown() });
      field.setAttribute("aria-label", `Weight in row ${u}, column ${v}`);
      field.onchange = () => {
        const value = Number(field.value.replace(",", ".").replace("−", "-"));
        if (field.value.trim() === "" || !Number.isFinite(value) || Math.abs(value) > 1000) {
          field.value = shown();
          find(".said").textContent = "A weight is a number from −1000 to 1000. It was not changed.";
          return;
        }
        weights[index][at] = value;
        setTriggerValue("kernel", weights[0]);
      };
      return field;
    });
    const products = grid(`products <i>x · w</i>${of}`, () => text());
    const grids = element("div", { className: "grids" }, x.box, sign("×"), w.box, sign("="), products.box);
    const terms = element("div", { className: "line terms" });
    const block = element("div", { className: "channel" }, grids, terms);
    return { block, x, products, terms };
  });
  const place = element("p", { className: "line" }), total = element("p", { className: "line result" });
  // The fields keep the focus and what is being typed while the window plays on.
  find(".sums").replaceChildren(place, ...blocks.map(({ block }) => block), total);

  // ---------------------------------------------------------------- the window at one place

  const box = (rect, row, column, height, width) => {
    for (const [name, value] of Object.entries({ x: column, y: row, width, height })) rect.setAttribute(name, value);
  };
  const taps = inputMarks.querySelector(".taps");
  taps.replaceChildren(...Array.from({ length: dilation > 1 ? kernel * kernel : 0 }, () => document.createElementNS(ONE, "rect")));

  const draw = () => {
    const { row, column } = state, top = row * stride, start = column * stride;
    box(inputMarks.querySelector(".window"), top, start, span, span);
    [...taps.children].forEach((tap, at) =>
      box(tap, top + Math.floor(at / kernel) * dilation, start + (at % kernel) * dilation, 1, 1));
    box(outputMarks.querySelector(".window"), row, column, 1, 1);
    outputMarks.querySelector(".later").setAttribute("d", !state.playing ? "" :
      `M${column + 1} ${row}H${output.columns}V${row + 1}H${column + 1}z M0 ${row + 1}H${output.columns}V${output.rows}H0z`);

    let sum = 0;
    const sums = blocks.map(({ x, products, terms }, index) => {
      let ofChannel = 0;
      const lines = [];
      for (let u = 0; u < kernel; u += 1) {
        const parts = [];
        let ofRow = 0;
        for (let v = 0; v < kernel; v += 1) {
          const at = u * kernel + v, r = top + u * dilation, c = start + v * dilation;
          const value = values[index][r * columns + c], product = value * weights[index][at];
          x.cells[at].textContent = short(value);
          x.cells[at].className = inside(r, c) ? "" : "outside";
          products.cells[at].textContent = short(product);
          parts.push(`${short(value)}·${term(weights[index][at])}`);
          ofRow += product;
        }
        ofChannel += ofRow;
        lines.push(`<span><i>u</i>=${u}: ${parts.join(" + ")} = ${exact(ofRow)}</span>`);
      }
      terms.innerHTML = lines.join("<br>");
      sum += ofChannel;
      return ofChannel;
    });
    const step = (index, name) => `${index}${stride > 1 ? `·${stride}` : ""} + ${dilation > 1 ? `${dilation}·` : ""}<i>${name}</i>`;
    place.innerHTML =
      `<i>i</i> = ${row}, <i>j</i> = ${column}: &ensp;<i>i′</i> = <i>i</i>·<i>s<sub>h</sub></i> + <i>u</i>${dilation > 1 ? "·<i>d</i>" : ""} = ${step(row, "u")}, ` +
      `&ensp;<i>j′</i> = ${step(column, "v")}, with <i>u</i>, <i>v</i> = 0 … ${kernel - 1}` +
      (above + below + left + right ? ", counted from the border's corner." : ".");
    const z = sum + bias;
    const bracketed = (value) => (value < 0 ? `(${exact(value)})` : exact(value));
    const sumSign = `Σ<sub>u</sub>Σ<sub>v</sub>${channels.length > 1 ? "Σ<sub>k′</sub>" : ""} <i>x</i>·<i>w</i>`;
    const added = channels.length > 1 ? `${exact(bias)} + ${sums.map(bracketed).join(" + ")}` : `${exact(bias)} + ${bracketed(sum)}`;
    total.innerHTML =
      `<i>z</i><sub>${row},${column},<i>k</i></sub> = <i>b<sub>k</sub></i> + ${sumSign} = ${added} = <b class="z">${exact(z)}</b>`;
    find(".where").textContent = `row ${row}, column ${column}: z = ${exact(z)}`;
    return z;
  };

  // ---------------------------------------------------------------- how it slides

  const go = (row, column, say = true) => {
    state.row = clamped(row, 0, output.rows - 1);
    state.column = clamped(column, 0, output.columns - 1);
    const z = draw();
    if (say) find(".said").textContent = `Row ${state.row}, column ${state.column}: z is ${exact(z)}`;
  };
  const follow = (frame, height, width, move) => {
    const drag = (event) => {
      const seen = frame.getBoundingClientRect();
      move(((event.clientY - seen.top) / seen.height) * height, ((event.clientX - seen.left) / seen.width) * width);
    };
    frame.onpointerdown = (event) => { halt(); frame.setPointerCapture(event.pointerId); drag(event); };
    frame.onpointermove = (event) => { if (event.buttons) drag(event); };
    frame.onkeydown = (event) => {
      if (event.key === " ") { event.preventDefault(); toggle(); return; }
      if (!(event.key in ARROWS)) return;
      event.preventDefault();
      halt();
      const [across, down] = ARROWS[event.key];
      go(state.row + down, state.column + across);
    };
  };
  follow(input, rows, columns, (y, x) => go(Math.round((y - span / 2) / stride), Math.round((x - span / 2) / stride), false));
  follow(result, output.rows, output.columns, (y, x) => go(Math.floor(y), Math.floor(x), false));

  const play = find(".play"), speed = find(".speed");
  const label = () => { play.textContent = state.playing ? "❚❚ Pause" : "▶ Slide"; };
  const halt = () => { clearTimeout(state.timer); state.playing = false; label(); draw(); };
  const next = () => {
    const at = state.row * output.columns + state.column + 1;
    if (at >= output.rows * output.columns) { halt(); return; }
    go(Math.floor(at / output.columns), at % output.columns, false);
    state.timer = setTimeout(next, 1000 / Number(speed.value));
  };
  const toggle = () => {
    if (state.playing) { halt(); return; }
    state.playing = true;
    label();
    if (state.row === output.rows - 1 && state.column === output.columns - 1) go(0, 0, false);
    else draw();
    state.timer = setTimeout(next, 1000 / Number(speed.value));
  };
  play.onclick = toggle;
  label();
  draw();
  if (state.playing) state.timer = setTimeout(next, 1000 / Number(speed.value));
  return () => clearTimeout(state.timer);
}

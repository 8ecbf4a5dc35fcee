// One map, large. Hovering or moving the cursor with the arrow keys shows a value; a click or Enter chooses a pixel.

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const find = (name) => parentElement.querySelector(name);
  const [frame, tip, cursor, chosen] = [".frame", ".tip", ".cursor", ".chosen"].map(find);
  const { rows, columns, picks } = data;
  const values = floats(data.values);

  frame.style.aspectRatio = `${columns} / ${rows}`;
  frame.style.maxWidth = `${data.size}px`;
  frame.classList.toggle("picks", picks);
  frame.setAttribute("role", picks ? "application" : "img");
  frame.setAttribute("aria-label", data.label);
  find(".picture").style.backgroundImage = `url(${data.picture})`;
  find(".scale").style.maxWidth = `${data.size}px`;
  find(".low").textContent = data.low;
  find(".high").textContent = data.high;
  find(".bar").style.background = `linear-gradient(to right, ${data.colours.join(",")})`;
  const numbers = find(".numbers");
  numbers.style.setProperty("--columns", columns);
  numbers.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
  numbers.replaceChildren(
    ...(data.numbers ?? []).map(({ text, dark }) => {
      const span = document.createElement("span");
      span.textContent = text;
      span.style.color = dark ? "#fff" : "#111";
      return span;
    }),
  );

  const place = (box, row, column, height = 1, width = 1) => {
    box.hidden = false;
    box.style.left = `${(column / columns) * 100}%`;
    box.style.top = `${(row / rows) * 100}%`;
    box.style.width = `${(width / columns) * 100}%`;
    box.style.height = `${(height / rows) * 100}%`;
  };
  chosen.hidden = true;
  if (data.chosen) place(chosen, ...data.chosen);

  const words = (row, column) => `row ${row + 1}, column ${column + 1}: ${values[row * columns + column].toPrecision(5)}`;
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    const clamp = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
    return [clamp((event.clientY - box.top) / box.height, rows), clamp((event.clientX - box.left) / box.width, columns)];
  };
  const pick = (row, column) => picks && setTriggerValue("picked", { row, column });

  frame.onpointermove = (event) => {
    tip.textContent = words(...at(event));
    tip.hidden = false;
    const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${event.clientY + 16}px`;
  };
  frame.onpointerleave = () => { tip.hidden = true; };
  frame.onclick = (event) => {
    frame.cursorAt = at(event);
    pick(...frame.cursorAt);
  };

  frame.cursorAt ??= data.chosen ? [data.chosen[0], data.chosen[1]] : [Math.floor(rows / 2), Math.floor(columns / 2)];
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  frame.onkeydown = (event) => {
    let [row, column] = frame.cursorAt;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(Math.min(row, rows - 1), Math.min(column, columns - 1));
      return;
    }
    if (!(event.key in steps)) return;
    event.preventDefault();
    row = Math.min(rows - 1, Math.max(0, row + steps[event.key][0]));
    column = Math.min(columns - 1, Math.max(0, column + steps[event.key][1]));
    frame.cursorAt = [row, column];
    place(cursor, row, column);
    find(".said").textContent = words(row, column);
  };
  frame.onblur = () => { cursor.hidden = true; };
}

// One map, large. Hovering or moving the cursor with the arrow keys shows a value; a click or Enter chooses a pixel.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [frame, scale, tip, cursor, chosen] = [".frame", ".scale", ".tip", ".cursor", ".chosen"].map(find);
  const { rows, columns, picks } = data;
  const values = floats(data.values);

  frame.style.aspectRatio = `${columns} / ${rows}`;
  frame.style.maxWidth = scale.style.maxWidth = `${data.size}px`;
  frame.classList.toggle("picks", picks);
  frame.setAttribute("role", picks ? "application" : "img");
  frame.setAttribute("aria-label", data.label);
  find(".image").style.backgroundImage = `url(${data.picture})`;
  scale.hidden = data.channels.length > 1;
  showScale(scale, data);
  writeNumbers(find(".numbers"), rows, columns, data.numbers ?? []);

  const place = (box, row, column, height = 1, width = 1) => {
    box.hidden = false;
    const parts = { left: column / columns, top: row / rows, width: width / columns, height: height / rows };
    for (const [side, part] of Object.entries(parts)) box.style[side] = `${part * 100}%`;
  };
  chosen.hidden = true;
  if (data.chosen) place(chosen, ...data.chosen);

  const words = (row, column) => {
    const first = (row * columns + column) * data.channels.length;
    const read = data.channels.map((name, index) => `${name} ${values[first + index].toPrecision(5)}`.trim());
    return `row ${row + 1}, column ${column + 1}: ${read.join(", ")}`;
  };
  const at = (event) => pixelAt(event, frame, rows, columns);
  const pick = ([row, column]) => picks && setTriggerValue("picked", { row, column });
  const within = ([row, column]) => [clamped(row, 0, rows - 1), clamped(column, 0, columns - 1)];

  frame.onpointermove = (event) => showTip(tip, event, words(...at(event)));
  frame.onpointerleave = () => (tip.hidden = true);
  frame.onclick = (event) => pick((frame.cursorAt = at(event)));
  frame.cursorAt = within(frame.cursorAt ?? data.chosen ?? [Math.floor(rows / 2), Math.floor(columns / 2)]);
  frame.onkeydown = (event) => {
    if (event.key === "Enter" || event.key === " ") pick(frame.cursorAt);
    else if (event.key in ARROWS) {
      const [right, down] = ARROWS[event.key];
      frame.cursorAt = within([frame.cursorAt[0] + down, frame.cursorAt[1] + right]);
      place(cursor, ...frame.cursorAt);
      find(".said").textContent = words(...frame.cursorAt);
    } else return;
    event.preventDefault();
  };
  frame.onblur = () => (cursor.hidden = true);
}

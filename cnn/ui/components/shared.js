// In front of every component's script.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }; // right, down

const clamped = (value, low, high) => Math.min(Math.max(value, low), high);

// What `data_url` of cnn.charts wrote, or any base64: its bytes.
function bytes(base64) {
  return Uint8Array.from(atob(base64.replace(/^data:[^,]*,/, "")), (letter) => letter.charCodeAt(0));
}

// What `base64_floats` of cnn.charts wrote: 32-bit floats.
function floats(base64) {
  return new Float32Array(bytes(base64).buffer);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// A component with a state of its own: an object of this class for each place, kept while Streamlit calls again
// whenever the data or the theme change. `tell` sends something to Python.
function lasting(Kind) {
  const all = new WeakMap();
  return ({ data, parentElement, setTriggerValue }) => {
    if (!all.has(parentElement)) all.set(parentElement, new Kind(parentElement));
    const one = all.get(parentElement);
    one.tell = setTriggerValue;
    one.take(data);
    return () => {
      one.remove();
      all.delete(parentElement);
    };
  };
}

// ---- maps of numbers

// Row and column of the pixel under a pointer, of a map that fills an element.
function pixelAt(event, map, rows, columns) {
  const box = map.getBoundingClientRect();
  const within = (part, count) => clamped(Math.floor(part * count), 0, count - 1);
  return [within((event.clientY - box.top) / box.height, rows), within((event.clientX - box.left) / box.width, columns)];
}

// Words beside the pointer.
function showTip(tip, event, words) {
  tip.textContent = words;
  tip.hidden = false;
  const most = document.documentElement.clientWidth - tip.offsetWidth - 4;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, most))}px`;
  tip.style.top = `${event.clientY + 16}px`;
}

// The values in the pixels of a map: { text, dark } for each, or { text, outside } beside it.
function writeNumbers(field, rows, columns, cells) {
  field.style.setProperty("--columns", columns);
  field.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
  const colour = ({ dark, outside }) => (outside ? "" : dark ? "#fff" : "#111");
  field.replaceChildren(
    ...cells.map((cell) => {
      const written = element("span", { textContent: cell.text, className: cell.outside ? "outside" : "" });
      written.style.color = colour(cell);
      return written;
    }),
  );
}

// The colour scale under a map.
function showScale(field, { low, high, colours }) {
  field.querySelector(".low").textContent = low;
  field.querySelector(".high").textContent = high;
  field.querySelector(".ramp").style.background = `linear-gradient(to right, ${colours.join(",")})`;
}

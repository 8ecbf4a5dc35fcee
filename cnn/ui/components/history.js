// The browser's history has one entry for each step of a visitor: another page, another run, another lesson or view.
//
// Streamlit adds an entry whenever the server changes the link, also where it only completes it, and none when a
// control changes it. Here an entry is added if the visitor has pressed or typed something since the last one and the
// page or one of STEPS is another; everything else replaces the present entry. Installed once for each window.

const STEPS = ["run", "topic", "view", "sweep"];

export default function () {
  if (window.historyHasSteps) return;
  window.historyHasSteps = true;
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  let acted = false;
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, () => { acted = true; }, true);
  window.addEventListener("popstate", () => { acted = false; }, true);

  // What the server adds to a link that did not have it completes the link; what a control adds is a choice.
  function isStep(address, completes) {
    const from = new URL(location.href);
    const to = new URL(address ?? from, from);
    return from.pathname !== to.pathname || STEPS.some((name) =>
      from.searchParams.get(name) !== to.searchParams.get(name) && !(completes && !from.searchParams.has(name)));
  }

  function goTo(completes) {
    return (data, title, address) => {
      if (acted && isStep(address, completes)) {
        acted = false;
        push(data, title, address);
      } else {
        replace(data, title, address);
      }
    };
  }

  history.pushState = goTo(true);
  history.replaceState = goTo(false);
}

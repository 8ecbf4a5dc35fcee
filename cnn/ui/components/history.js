// The browser's history has one entry for each step of a visitor: another page, another run, another lesson or view.
//
// Streamlit adds an entry whenever the server changes the link, also where it only completes it, and none when a
// control changes it. Here an entry is added if the visitor has pressed or typed something since the last one and the
// page or one of STEPS is another; everything else replaces the present entry. Installed once for each window.

const STEPS = ["run", "topic", "view", "sweep", "evaluate-view", "runs-view", "dataset", "collect-class"];
const OPENED = ["dataset", "collect-class"]; // without one, none is open: there is no default that completes a link

export default function () {
  if (window.historyHasSteps) return;
  window.historyHasSteps = true;
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  // A click may be younger than the page and older than this script.
  let acted = navigator.userActivation?.isActive ?? false;
  let shown = location.href; // when the visitor last acted
  const act = () => { [acted, shown] = [true, location.href]; };
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, act, true);
  window.addEventListener("popstate", () => { acted = false; }, true);

  // What the server adds to a link that did not have it completes the link; what a control adds is a choice.
  function isStep(address, completes) {
    const from = new URL(location.href);
    const to = new URL(address ?? from, from);
    const completed = (name) => completes && !from.searchParams.has(name) && !OPENED.includes(name);
    return from.pathname !== to.pathname || STEPS.some((name) =>
      from.searchParams.get(name) !== to.searchParams.get(name) && !completed(name));
  }

  function goTo(completes) {
    return (data, title, address) => {
      if (acted && isStep(address, completes)) {
        acted = false;
        // What the server says of the next page may arrive before the page is changed: the one that is left keeps its own.
        const [left, next] = [new URL(shown), new URL(address ?? location.href, location.href)];
        if (left.pathname === location.pathname && next.pathname !== left.pathname) replace(history.state, "", left);
        push(data, title, address);
      } else {
        replace(data, title, address);
      }
    };
  }

  history.pushState = goTo(true);
  history.replaceState = goTo(false);
}

// The browser's camera. Live: one frame after the other goes to Python, the next one when the answer to the last has
// come. Burst: a number of frames, one after the other, go to Python at once; or as many as are taken while the button is
// held, by a pointer or by a key.

const QUALITY = 0.85; // of JPEG
const RATE = 15; // frames a second that the camera delivers
const LOST = 4000; // milliseconds after which an answer will not come any more

const WHY = {
  NotAllowedError: "The camera is not allowed. Allow it beside the page's address, then start it again.",
  NotFoundError: "There is no camera. Connect one, then start it again.",
  NotReadableError: "The camera cannot be used, perhaps because another program uses it. Close that, then start it again.",
};
const INSECURE = "Browsers give the camera to secure pages only: open this one by http://localhost on the machine on " +
  "which it runs, or through https.";

class Camera {
  constructor(root) {
    this.find = (name) => root.querySelector(name);
    [this.video, this.start, this.shoot] = ["video", ".start", ".take"].map(this.find);
    this.canvas = document.createElement("canvas");
    this.stream = null;
    this.sent = 0; // the number of the last frame
    this.answers = []; // when the last ones came
    this.start.onclick = () => (this.stream ? this.stop() : this.begin());
    this.shoot.onclick = (event) => {
      if (!this.data.held) this.shootAll(this.data.count);
      else if (!event.detail) this.shootAll(1); // neither a pointer nor a key, which have been held by now
    };
    this.holds();
  }

  // The button is held from the press of a pointer or of a key to its release, wherever that is.
  holds() {
    const hold = () => {
      if (!this.data.held || this.holding || !this.stream) return;
      this.holding = true;
      this.shootAll(this.data.count);
    };
    const release = () => { this.holding = false; };
    const isKey = (event) => this.data.held && [" ", "Enter"].includes(event.key);
    this.shoot.onpointerdown = (event) => {
      if (!this.data.held || event.button) return;
      this.shoot.setPointerCapture(event.pointerId);
      hold();
    };
    this.shoot.onkeydown = (event) => {
      if (!isKey(event)) return;
      event.preventDefault(); // no click
      if (!event.repeat) hold();
    };
    this.shoot.onkeyup = (event) => {
      if (!isKey(event)) return;
      event.preventDefault();
      release();
    };
    this.shoot.oncontextmenu = (event) => this.data.held && event.preventDefault(); // of a finger that stays
    for (const end of ["onpointerup", "onpointercancel", "onlostpointercapture", "onblur"]) this.shoot[end] = release;
  }

  take(data) {
    const first = !this.data;
    this.data = data;
    this.show();
    if (first && data.live) this.begin();
    if (data.live && this.waiting && data.answered === this.sent) {
      clearTimeout(this.lost);
      this.waiting = false;
      this.answer();
      this.next();
    }
  }

  show() {
    const on = Boolean(this.stream);
    this.start.textContent = on ? "Stop" : "Start camera";
    this.shoot.hidden = !on;
    this.shoot.classList.toggle("held", Boolean(this.data.held));
    if (this.taking) return; // the button says how far it is
    const { live, held, count } = this.data;
    this.shoot.textContent = live ? "Keep this image" : held ? "Hold to take images"
      : count === 1 ? "Take an image" : `Take ${count} images`;
  }

  async begin() {
    this.say("");
    if (!navigator.mediaDevices?.getUserMedia) return this.say(isSecureContext ? WHY.NotFoundError : INSECURE);
    this.start.disabled = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: {
          facingMode: { ideal: "environment" }, width: { ideal: 640 }, height: { ideal: 480 },
          frameRate: { ideal: RATE }, // each frame that is only shown takes time from the predictions
        },
      });
      if (this.gone) return stream.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      stream.getVideoTracks()[0].onended = () => { this.stop(); this.say("The camera was disconnected."); };
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      this.stop();
      return this.say(WHY[error.name] ?? `The camera could not be started (${error.name}).`);
    } finally {
      this.start.disabled = false;
    }
    this.answers = [];
    this.show();
    this.next();
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
    clearTimeout(this.lost);
    this.waiting = false;
    this.show();
  }

  say(problem) {
    this.find(".problem").hidden = !problem;
    this.find(".problem").textContent = problem;
  }

  // The frame as a JPEG in base64, its longest edge as Python wants it.
  frame(edge) {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, edge / Math.max(width, height));
    [this.canvas.width, this.canvas.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return this.canvas.toDataURL("image/jpeg", QUALITY).split(",")[1];
  }

  // ---- live

  next() {
    if (!this.data.live || !this.stream || this.waiting) return;
    if (!this.video.videoWidth || document.hidden) return void setTimeout(() => this.next(), 200);
    this.waiting = true;
    this.sent = Math.max(this.sent, this.data.answered) + 1;
    this.lost = setTimeout(() => { this.waiting = false; this.next(); }, LOST);
    this.tell("frame", { number: this.sent, jpeg: this.frame(this.data.edge) });
  }

  answer() {
    const now = performance.now();
    this.answers = [...this.answers.filter((then) => then > now - 3000), now];
    const { bars, problem } = this.data;
    this.find(".answer").hidden = false;
    this.find(".label").textContent = problem || bars[0]?.name || "";
    const row = ({ name, value }) => {
      const bar = element("div", { className: "bar" });
      bar.style.width = `${value * 100}%`;
      const percent = element("span", { textContent: `${(value * 100).toFixed(1)}%` });
      return element("li", {},
        element("div", { className: "name" }, element("span", { textContent: name }), percent),
        element("div", { className: "field" }, bar));
    };
    this.find(".bars").replaceChildren(...bars.map(row));
    const span = (now - this.answers[0]) / 1000;
    if (span > 0.5) this.find(".pace").textContent = `${((this.answers.length - 1) / span).toFixed(1)} predictions a second`;
  }

  // ---- images that are kept

  // Take frames until there are so many, or until the button that is held is released.
  async shootAll(count) {
    if (this.taking) return;
    this.taking = true;
    const { held } = this.data;
    const badge = this.find(".count");
    this.shoot.disabled = !held;
    if (held) this.shoot.textContent = "Release to stop";
    const jpegs = [];
    while (jpegs.length < count && this.stream) {
      if (this.video.videoWidth) jpegs.push(this.frame(this.data.kept_edge));
      if (count > 1) {
        badge.hidden = false;
        badge.textContent = held ? `${jpegs.length}` : `${jpegs.length} of ${count}`;
      }
      if (jpegs.length < count) await this.moment(this.data.every);
      if (count > 1 && held && !this.holding) break;
    }
    this.taking = this.holding = this.shoot.disabled = false;
    badge.hidden = true;
    this.show();
    if (this.data.live) this.stop(); // another frame would come between the image that is kept and its page
    if (jpegs.length && !this.gone) this.tell("taken", { jpegs });
  }

  // So many milliseconds, or less where the button is released.
  async moment(milliseconds) {
    const end = performance.now() + milliseconds, { holding } = this;
    while (performance.now() < end && this.holding === holding) await new Promise((go) => setTimeout(go, 20));
  }

  remove() {
    this.gone = true;
    this.stop();
  }
}

export default lasting(Camera);

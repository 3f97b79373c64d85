// <srntt-series items='[{"name": ..., "src": ".../view.json"}, ...]'>: the results of an order, one shown at a time.
// <srntt-view src=".../view.json">: before and after under a slider, the references with what each gave, a map over the
// result, and for the place under the pointer (or clicked, touched, or walked to with the arrow keys) the place in the
// reference that its detail came from. Everything is drawn from the result's own files, without further requests.
(() => {
  const MARKUP = `
    <div class="sv-tools">
      <label class="sv-wipe">before <input type="range" min="0" max="1000" value="500" aria-label="Before and after"> after</label>
      <label>size <select class="sv-size" aria-label="Size of the picture">
        <option value="fit">fit</option><option value="1">100%</option><option value="2">200%</option><option value="4">400%</option>
      </select></label>
      <label class="sv-of-references">map <select class="sv-kind" aria-label="Map over the picture">
        <option value="">none</option><option value="share">share of the references</option><option value="similarity">similarity</option>
      </select></label>
    </div>
    <div class="sv-window" tabindex="0" role="group" aria-label="The result, which can be scrolled"><div class="sv-stage" tabindex="0" role="application"
        aria-label="The result. Point, tap or use the arrow keys to see where a detail came from.">
      <img class="sv-after" alt="after: the result" draggable="false">
      <img class="sv-before" alt="before: the small picture, enlarged by bicubic interpolation" draggable="false">
      <canvas class="sv-map" hidden></canvas>
      <div class="sv-handle" tabindex="0" role="slider" aria-label="Before and after" aria-orientation="horizontal"
        aria-valuemin="0" aria-valuemax="100" aria-valuenow="50"></div>
      <div class="sv-mark" hidden></div>
    </div></div>
    <ul class="sv-references sv-of-references" aria-label="What each reference gave"></ul>
    <div class="sv-origin sv-of-references">
      <figure><canvas class="sv-here" width="192" height="192"></canvas><figcaption>in the result</figcaption></figure>
      <figure><canvas class="sv-there" width="192" height="192"></canvas><figcaption>in the reference</figcaption></figure>
      <figure><canvas class="sv-whole" width="192" height="192"></canvas><figcaption>the whole reference</figcaption></figure>
      <p class="sv-words" aria-live="polite">Point at the picture or tap it to see where a detail came from; click to keep the place.</p>
    </div>
    <p class="sv-files"></p>`;
  const CROP = 48; // pixels of the result and of the reference that the close-ups show, along a side

  const unpack = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const picture = (url) => {
    const image = new Image();
    image.src = url;
    return image;
  };

  class View extends HTMLElement {
    static observedAttributes = ["src"];

    attributeChangedCallback() {
      if (this.isConnected) this.load();
    }

    connectedCallback() {
      this.load();
    }

    async load() {
      const source = this.getAttribute("src");
      if (!source || source === this.loaded) return;
      this.loaded = source;
      const answer = await fetch(source);
      if (!answer.ok) {
        this.textContent = "The result is no longer kept. Upscale the picture again.";
        return;
      }
      this.about = await answer.json();
      this.base = source.slice(0, source.lastIndexOf("/") + 1);
      this.innerHTML = MARKUP;
      this.find = (name) => this.querySelector(".sv-" + name);
      this.kept = null;
      this.read();
      this.furnish();
      this.introduce();
      this.listen();
      this.wipe(500);
    }

    read() {
      const { about } = this;
      this.withReferences = about.references.length > 0;
      for (const part of this.querySelectorAll(".sv-of-references")) part.hidden = !this.withReferences;
      if (!this.withReferences) return;
      this.maps = {
        reference: new Uint8Array(unpack(about.reference)),
        y: new Float32Array(unpack(about.y)),
        x: new Float32Array(unpack(about.x)),
        similarity: new Uint8Array(unpack(about.similarity)),
        share: new Uint8Array(unpack(about.share)),
      };
      this.references = about.references.map((each) => picture(this.base + each.file));
    }

    furnish() {
      const { about, base } = this;
      const address = (kind) => base + encodeURIComponent(about.files[kind]);
      this.find("after").src = address("shown");
      this.find("before").src = address("before");
      this.resize("fit");
      const files = [["result", `picture (${about.format})`]];
      if (this.withReferences) {
        files.push(["share", "share map (PNG)"], ["similarity", "similarity map (PNG)"], ["provenance", "provenance (NPZ)"]);
      }
      this.find("files").append(
        "Download: ",
        ...files.flatMap(([kind, text], number) => {
          const link = document.createElement("a");
          Object.assign(link, { href: address(kind), download: about.files[kind], textContent: text });
          return number ? [" · ", link] : [link];
        }),
      );
    }

    introduce() {
      this.find("references").append(
        ...this.about.references.map((each) => {
          const card = document.createElement("li");
          const thumbnail = picture(this.base + each.thumbnail);
          thumbnail.alt = "";
          const words = document.createElement("span");
          const name = document.createElement("b");
          const share = document.createElement("span");
          name.textContent = each.name;
          share.className = "sv-share";
          share.style.setProperty("--part", `${100 * each.part}%`);
          share.style.setProperty("--colour", each.colour);
          share.textContent = `detail at ${Math.round(100 * each.part)}% of the places`;
          words.append(name, document.createElement("br"), each.description, share);
          card.append(thumbnail, words);
          return card;
        }),
      );
    }

    paintMap(kind) {
      const { width, height, references } = this.about;
      const { reference, share, similarity } = this.maps;
      const colours = references.map(({ colour }) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
      const canvas = this.find("map");
      Object.assign(canvas, { width, height });
      canvas.classList.toggle("sv-shares", kind === "share");
      const paint = canvas.getContext("2d");
      const pixels = paint.createImageData(width, height);
      for (let index = 0; index < width * height; index++) {
        const level = similarity[index];
        const colour = kind === "share" ? [...colours[reference[index]], share[index]] : [level, level, level, 255];
        pixels.data.set(colour, 4 * index);
      }
      paint.putImageData(pixels, 0, 0);
    }

    listen() {
      const stage = this.find("stage");
      const range = this.querySelector("input[type=range]");
      range.addEventListener("input", () => this.wipe(+range.value));
      this.find("size").addEventListener("change", (event) => this.resize(event.target.value));
      this.find("kind").addEventListener("change", (event) => {
        this.find("map").hidden = !event.target.value;
        this.find("stage").classList.toggle("sv-dimmed", event.target.value === "share");
        if (event.target.value) this.paintMap(event.target.value);
      });
      const handle = this.find("handle");
      handle.addEventListener("pointerdown", (event) => {
        handle.setPointerCapture(event.pointerId);
        handle.focus({ preventScroll: true });
        event.preventDefault();
      });
      handle.addEventListener("keydown", (event) => {
        const at = +range.value;
        const to = { ArrowLeft: at - 20, ArrowDown: at - 20, ArrowRight: at + 20, ArrowUp: at + 20 };
        Object.assign(to, { PageDown: at - 100, PageUp: at + 100, Home: 0, End: 1000 });
        if (!(event.key in to)) return;
        event.preventDefault();
        event.stopPropagation(); // the stage walks with the same keys
        range.value = to[event.key];
        this.wipe(+range.value);
      });
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        event.stopPropagation(); // the stage would show the place
        const box = stage.getBoundingClientRect();
        range.value = Math.round((1000 * (event.clientX - box.left)) / box.width);
        this.wipe(+range.value);
      });
      if (!this.withReferences) return;
      stage.addEventListener("pointermove", (event) => this.kept || this.show(this.placeOf(event)));
      stage.addEventListener("click", (event) => {
        if (event.target === handle) return;
        const place = this.placeOf(event);
        const again = this.kept && Math.abs(this.kept[0] - place[0]) < 2 && Math.abs(this.kept[1] - place[1]) < 2;
        this.kept = again ? null : place;
        this.show(place);
      });
      stage.addEventListener("keydown", (event) => this.walk(event));
    }

    wipe(thousandths) {
      const part = Math.min(1000, Math.max(0, thousandths)) / 10;
      this.find("before").style.clipPath = `inset(0 ${100 - part}% 0 0)`;
      this.find("handle").style.left = `${part}%`;
      this.find("handle").setAttribute("aria-valuenow", Math.round(part));
    }

    resize(size) {
      const { output_width: width } = this.about;
      const stage = this.find("stage");
      stage.style.width = size === "fit" ? `min(100%, ${width}px)` : `${width * +size}px`;
      stage.classList.toggle("sv-sharp", size === "2" || size === "4");
    }

    placeOf(event) {
      const box = this.find("stage").getBoundingClientRect();
      const at = (offset, extent, count) => Math.min(count - 1, Math.max(0, Math.floor((offset / extent) * count)));
      return [
        at(event.clientY - box.top, box.height, this.about.height),
        at(event.clientX - box.left, box.width, this.about.width),
      ];
    }

    walk(event) {
      const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (event.key === "Escape") this.kept = null;
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      const { height, width } = this.about;
      const [row, column] = this.kept ?? [height >> 1, width >> 1];
      this.kept = [
        Math.min(height - 1, Math.max(0, row + step[0])),
        Math.min(width - 1, Math.max(0, column + step[1])),
      ];
      this.show(this.kept);
    }

    show([row, column]) {
      const { about, maps } = this;
      const index = row * about.width + column;
      const number = maps.reference[index];
      const [y, x] = [maps.y[index], maps.x[index]];
      const middle = about.scale / 2;
      this.closeUp("here", this.find("after"), row * about.scale + middle, column * about.scale + middle);
      this.closeUp("there", this.references[number], y + 0.5, x + 0.5);
      this.overview(this.references[number], y, x);
      const mark = this.find("mark");
      mark.hidden = false;
      mark.classList.toggle("sv-kept", this.kept !== null);
      mark.style.top = `${(100 * (row + 0.5)) / about.height}%`;
      mark.style.left = `${(100 * (column + 0.5)) / about.width}%`;
      const percent = (level) => `${Math.round(level / 2.55)}%`;
      this.find("words").textContent =
        `${about.references[number].name}, pixel ${Math.round(x)}, ${Math.round(y)}. ` +
        `Similarity ${(maps.similarity[index] / 255).toFixed(2)}. ` +
        `Share of the references: ${percent(maps.share[index])}` +
        (maps.share[index] / 255 <= 0.25 ? ", hardly anything." : ".");
      Object.assign(this.dataset, { row, column, reference: number, y: Math.round(y), x: Math.round(x) });
    }

    closeUp(name, image, y, x) {
      const canvas = this.find(name);
      const paint = canvas.getContext("2d");
      const side = canvas.width;
      paint.clearRect(0, 0, side, side);
      const draw = () => {
        paint.drawImage(image, x - CROP / 2, y - CROP / 2, CROP, CROP, 0, 0, side, side);
        const cell = (side * this.about.scale) / CROP;
        this.frame(paint, (side - cell) / 2, (side - cell) / 2, cell);
      };
      this.whenThere(image, canvas, draw);
    }

    overview(image, y, x) {
      const canvas = this.find("whole");
      const paint = canvas.getContext("2d");
      paint.clearRect(0, 0, canvas.width, canvas.height);
      this.whenThere(image, canvas, () => {
        const zoom = 192 / Math.max(image.naturalWidth, image.naturalHeight);
        canvas.width = Math.max(1, image.naturalWidth * zoom);
        canvas.height = Math.max(1, image.naturalHeight * zoom);
        paint.drawImage(image, 0, 0, image.naturalWidth * zoom, image.naturalHeight * zoom);
        const box = Math.max(8, CROP * zoom);
        this.frame(paint, (x + 0.5) * zoom - box / 2, (y + 0.5) * zoom - box / 2, box);
      });
    }

    frame(paint, left, top, side) {
      for (const [colour, width] of [["#000", 4], ["#ffd400", 2]]) {
        Object.assign(paint, { strokeStyle: colour, lineWidth: width });
        paint.strokeRect(left, top, side, side);
      }
    }

    whenThere(image, canvas, draw) {
      const turn = (canvas.turn = (canvas.turn ?? 0) + 1); // a picture that arrives late paints over no later place
      if (image.complete && image.naturalWidth) draw();
      else image.addEventListener("load", () => turn === canvas.turn && draw(), { once: true });
    }
  }

  let current = null; // the view on the page, which stays when further results are added to the series

  class Series extends HTMLElement {
    static observedAttributes = ["items"];

    attributeChangedCallback() {
      if (this.isConnected) this.list();
    }

    connectedCallback() {
      this.list();
      // Gradio removes what it did not make itself when it updates the attribute.
      new MutationObserver(() => this.childElementCount || this.list()).observe(this, { childList: true });
    }

    list() {
      const items = JSON.parse(this.getAttribute("items"));
      const ready = items.filter(({ src }) => src);
      if (!ready.length) return;
      const kept = ready.find(({ src }) => src === current?.getAttribute("src"));
      if (!kept) current = document.createElement("srntt-view");
      const show = (item) => {
        current.setAttribute("src", item.src);
        for (const button of buttons) button.setAttribute("aria-pressed", button.item === item);
      };
      const buttons = items.map((item) => {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", item, textContent: item.name, disabled: !item.src });
        button.addEventListener("click", () => show(item));
        return button;
      });
      const list = document.createElement("div");
      list.className = "sv-series";
      if (items.length > 1) list.append(...buttons);
      this.replaceChildren(list, current);
      show(kept ?? ready[0]);
    }
  }

  // A picture from the clipboard becomes a small picture.
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
    const input = document.querySelector("#small input[type=file]");
    if (!files.length || !input) return;
    const carrier = new DataTransfer();
    for (const file of files) carrier.items.add(file);
    input.files = carrier.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Two faults of Gradio for assistive technology: a button for more files within another button, which cannot be
  // entered, and a label that differs from the text of the button.
  new MutationObserver(() => {
    for (const outer of document.querySelectorAll("button:has(button):not([role])")) {
      outer.setAttribute("role", "group");
      outer.tabIndex = -1;
      outer.title = outer.ariaLabel = "More files";
    }
    for (const button of document.querySelectorAll("button.upload-container[aria-label]")) {
      if (button.innerText.trim()) button.removeAttribute("aria-label");
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  customElements.define("srntt-view", View);
  customElements.define("srntt-series", Series);
})();

"use strict";
(() => {
  const read = (id) => {
    const element = document.getElementById(id);
    return element ? JSON.parse(element.textContent) : null;
  };
  const specs = read("specs");
  const themes = read("themes");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (dark.matches ? themes.dark : themes.light);
  const options = (renderer) => ({ actions: false, renderer, config: theme(), tooltip: { theme: dark.matches ? "dark" : "light" } });

  // Charts are drawn when they come near the screen, all of them before the page is printed.
  const drawn = new Map();
  const draw = async (element) => {
    const view = await vegaEmbed(element, specs[element.dataset.figure], options("svg"));
    element.setAttribute("data-drawn", "");
    drawn.set(element, view);
  };
  const charts = [...document.querySelectorAll("[data-figure]")];
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    }
  }, { rootMargin: "600px" });
  charts.forEach((chart) => watcher.observe(chart));
  const drawAll = () => Promise.all(charts.filter((chart) => !drawn.has(chart)).map((chart) => { watcher.unobserve(chart); return draw(chart); }));
  window.addEventListener("beforeprint", drawAll);
  document.addEventListener("toggle", () => window.dispatchEvent(new Event("resize")), true);

  const map = read("map-data") ? cellMap(read("map-data")) : null;

  dark.addEventListener("change", () => {
    for (const [chart, result] of drawn) {
      result.finalize();
      draw(chart);
    }
    if (map) map.draw();
  });

  window.report = { drawAll, map };

  function cellMap(data) {
    const plane = document.getElementById("map");
    const colourChoice = document.getElementById("map-colour");
    const layoutChoice = document.getElementById("map-layout");
    const missing = "#8c8c8c";
    const reach = 28; // pixels around a point in which it is meant
    let result = null;
    let chosen = -1;
    let pixels = [];

    const layout = () => data.layouts[layoutChoice ? layoutChoice.value : "pca"];
    const scheme = data.sequence.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    const ramp = (share) => {
      const place = Math.min(Math.max(share, 0), 1) * (scheme.length - 1);
      const low = Math.min(Math.floor(place), scheme.length - 2);
      const mix = scheme[low].map((value, at) => Math.round(value + (scheme[low + 1][at] - value) * (place - low)));
      return `rgb(${mix.join(",")})`;
    };
    const colourOf = () => {
      const by = data.colours[colourChoice.value];
      if (!by) return () => "#0072b2";
      if (by.kind === "group") return (cell) => by.colours[by.values[cell]] || missing;
      const span = by.high - by.low || 1;
      return (cell) => (by.values[cell] === null ? missing : ramp((by.values[cell] - by.low) / span));
    };

    const element = (kind, text, className) => {
      const made = document.createElement(kind);
      if (text !== undefined) made.textContent = text;
      if (className) made.className = className;
      return made;
    };
    const entry = (name, colour) => {
      const made = element("span", undefined, "entry");
      const dot = element("span", undefined, "dot");
      dot.style.background = colour;
      made.append(dot, element("span", name));
      return made;
    };
    const legend = () => {
      const place = document.getElementById("map-legend");
      const by = data.colours[colourChoice.value];
      place.replaceChildren();
      if (!by) return;
      if (by.kind === "group") {
        for (const [name, colour] of Object.entries(by.colours)) place.append(entry(name || "(none)", colour));
        return;
      }
      const bar = element("span", undefined, "ramp");
      bar.style.background = `linear-gradient(to right, ${data.sequence.join(",")})`;
      place.append(element("span", by.texts[0]), bar, element("span", `${by.texts[1]} ${by.unit}`));
      if (by.values.includes(null)) place.append(entry("no value", missing));
    };

    const draw = async () => {
      const { x, y, titles, extents } = layout();
      const colour = colourOf();
      const spec = structuredClone(specs.map);
      spec.datasets = {};
      const points = x.map((value, cell) => ({ x: value, y: y[cell], colour: colour(cell) }));
      for (const layer of spec.layer) {
        if (layer.data && layer.data.name === "cells") layer.data.values = points;
        layer.encoding.x.title = titles[0];
        layer.encoding.y.title = titles[1];
        if (layer.encoding.x.scale) layer.encoding.x.scale.domain = extents[0];
        if (layer.encoding.y.scale) layer.encoding.y.scale.domain = extents[1];
        if (layer.encoding.x.axis) layer.encoding.x.axis.title = titles[0];
        if (layer.encoding.y.axis) layer.encoding.y.axis.title = titles[1];
      }
      spec.height = Math.max(260, Math.min(440, plane.clientWidth * 0.8));
      if (result) result.finalize();
      result = await vegaEmbed(plane, spec, options("canvas"));
      plane.setAttribute("tabindex", "0");
      place();
      result.view.addResizeListener ? result.view.addResizeListener(place) : null;
      mark();
      legend();
      plane.setAttribute("data-drawn", "");
    };
    const place = () => {
      const { x, y } = layout();
      const across = result.view.scale("x");
      const up = result.view.scale("y");
      pixels = x.map((value, cell) => [across(value), up(y[cell])]);
    };
    const mark = () => {
      if (!result) return;
      const { x, y } = layout();
      const values = chosen < 0 ? [] : [{ x: x[chosen], y: y[chosen] }];
      result.view.data("chosen", values).runAsync();
    };

    const show = (cell) => {
      if (cell < 0 || cell === chosen) return;
      chosen = cell;
      mark();
      const picture = document.getElementById("map-picture");
      const none = document.getElementById("map-none");
      const has = data.pictures[cell] !== "";
      picture.hidden = !has;
      none.hidden = has;
      none.textContent = "There was no room for the picture of this cell.";
      if (has) {
        picture.src = `data:image/webp;base64,${data.pictures[cell]}`;
        picture.alt = data.alts[cell];
      }
      document.getElementById("map-words").textContent = `${data.image[cell]} · ${data.object[cell]}`;
      const values = document.getElementById("map-values");
      values.replaceChildren();
      const by = data.colours[colourChoice.value];
      const listed = by && by.kind === "number" ? [...data.values].sort((a, b) => (b.name === by.name) - (a.name === by.name)) : data.values;
      const rows = [
        ...data.metadata.map((own) => [own.name, own.values[cell] || "(none)"]),
        ...listed.map((own) => [own.name, `${own.values[cell]} ${own.unit}`]),
      ];
      for (const [name, value] of rows) {
        const row = element("div");
        row.append(element("dt", name), element("dd", value));
        values.append(row);
      }
    };
    const nearest = (at) => {
      let best = -1;
      let distance = reach * reach;
      pixels.forEach(([x, y], cell) => {
        const own = (x - at[0]) ** 2 + (y - at[1]) ** 2;
        if (own < distance) {
          distance = own;
          best = cell;
        }
      });
      return best;
    };
    const pointed = (event) => {
      if (!result) return;
      const canvas = plane.querySelector("canvas");
      if (!canvas) return;
      place();
      const box = canvas.getBoundingClientRect();
      const origin = result.view.origin();
      show(nearest([event.clientX - box.left - origin[0], event.clientY - box.top - origin[1]]));
    };
    // Left and right, up and down: the nearest cell that lies more in this direction than across it.
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const pressed = (event) => {
      const step = steps[event.key];
      if (!step || !result) return;
      event.preventDefault();
      place();
      if (chosen < 0) {
        const middle = [result.view.width() / 2, result.view.height() / 2];
        let best = 0;
        let distance = Infinity;
        pixels.forEach(([x, y], cell) => {
          const own = (x - middle[0]) ** 2 + (y - middle[1]) ** 2;
          if (own < distance) [best, distance] = [cell, own];
        });
        show(best);
        return;
      }
      const from = pixels[chosen];
      let best = -1;
      let distance = Infinity;
      pixels.forEach(([x, y], cell) => {
        const ahead = (x - from[0]) * step[0] + (y - from[1]) * step[1];
        const aside = Math.abs((x - from[0]) * step[1]) + Math.abs((y - from[1]) * step[0]);
        if (cell === chosen || ahead <= 0 || aside > ahead) return;
        const own = ahead * ahead + aside * aside;
        if (own < distance) [best, distance] = [cell, own];
      });
      show(best);
    };
    plane.addEventListener("pointermove", pointed);
    plane.addEventListener("pointerdown", pointed);
    plane.addEventListener("keydown", pressed);
    colourChoice.addEventListener("change", draw);
    if (layoutChoice) layoutChoice.addEventListener("change", draw);
    const seen = new IntersectionObserver((entries) => {
      if (entries.some((own) => own.isIntersecting)) {
        seen.disconnect();
        draw();
      }
    }, { rootMargin: "600px" });
    seen.observe(plane);
    return { draw, show, chosen: () => chosen, pixel: (cell) => { place(); const origin = result.view.origin(); return [pixels[cell][0] + origin[0], pixels[cell][1] + origin[1]]; } };
  }
})();

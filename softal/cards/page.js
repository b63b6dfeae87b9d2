"use strict";
// Draws the figures whose JSON stands in the page. Colours written as var(--name) are taken from the style sheet, so
// the figures follow the light, dark and print colours of the page.
(() => {
  const boxes = [...document.querySelectorAll(".figure")].map((box) => {
    const source = box.querySelector("script");
    const text = source.textContent;
    source.remove();
    return { box, text };
  });

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (match, name) => style.getPropertyValue(name).trim();
  }

  function draw({ box, text }) {
    const figure = JSON.parse(text.replace(/var\((--[a-z]+)\)/g, colours()));
    const options = {
      responsive: true, displaylogo: false, scrollZoom: false, displayModeBar: "hover",
      // Named one by one: Plotly's own choice has a button that sends the figure to a server.
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]], showSendToCloud: false, plotlyServerURL: "",
      toImageButtonOptions: { format: "svg", filename: box.getAttribute("aria-label") },
    };
    return Plotly.react(box, figure.data, figure.layout, options);
  }

  const drawAll = () => Promise.all(boxes.map(draw));
  drawAll().then(() => document.documentElement.setAttribute("data-ready", "yes"));
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", drawAll);
  }
})();

"use strict";
(() => {
  const answers = JSON.parse(document.getElementById("tokens").textContent);
  const detail = document.getElementById("detail");
  let shown = null;

  const line = (...parts) => {
    const paragraph = document.createElement("p");
    for (const [name, text] of parts) {
      const piece = document.createElement(name);
      piece.textContent = text;
      paragraph.append(piece, " ");
    }
    return paragraph;
  };
  const quoted = (text) => JSON.stringify(text);
  const known = (value, unit) => (value === null ? "not known" : typeof value === "number" ? value + unit : value);

  const show = (token) => {
    const place = [...token.parentNode.querySelectorAll(".t")].indexOf(token);
    const [text, id, status, margin, rank, prob, row] = answers[Number(token.parentNode.dataset.answer)][place];
    if (shown) shown.classList.remove("on");
    shown = token;
    token.classList.add("on");
    detail.replaceChildren(
      line(["b", "Token " + place], ["code", quoted(text)], ["span", "id " + id + ", " + status]),
      line(["span", "distance " + known(margin, " nats") + "; likelier tokens: " + known(rank, "") +
        "; probability " + known(prob, "")]),
      line(["span", "The reference's row:"], ...row.flatMap(([candidate, logprob]) =>
        [["code", quoted(candidate)], ["span", known(logprob, "")]])),
    );
    detail.hidden = false;
  };

  for (const answer of document.querySelectorAll(".answer")) {
    answer.addEventListener("mouseover", (event) => {
      if (event.target.classList.contains("t")) show(event.target);
    });
    answer.addEventListener("click", (event) => {
      if (event.target.classList.contains("t")) event.target.focus();
    });
    answer.addEventListener("focusin", (event) => {
      if (!event.target.classList.contains("t")) return;
      for (const other of answer.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
      event.target.tabIndex = 0;
      show(event.target);
    });
    answer.addEventListener("keydown", (event) => {
      const tokens = [...answer.querySelectorAll(".t")];
      const place = tokens.indexOf(event.target);
      const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tokens.length - 1 }[event.key];
      if (next === undefined || !tokens[next]) return;
      event.preventDefault();
      tokens[next].focus();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || detail.hidden) return;
    detail.hidden = true;
    if (shown) shown.classList.remove("on");
  });
})();

(function () {
  "use strict";
  var table = document.getElementById("items");
  if (!table) { return; }
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var text = document.getElementById("text");
  var state = document.getElementById("state");
  var waits = document.getElementById("waits");
  var shown = document.getElementById("shown");
  var nothing = document.getElementById("nothing");
  var more = document.getElementById("more");
  var sort = document.getElementById("sort");
  var step = 250;
  var limit = step;
  var words = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var order = rows.map(function (row, i) { return i; });

  function matches(i) {
    var row = rows[i];
    return (!state.value || row.dataset.state === state.value) &&
      (!waits.value || row.dataset.waits === waits.value) &&
      words[i].indexOf(text.value.trim().toLowerCase()) >= 0;
  }

  function show() {
    var found = order.filter(matches);
    var part = document.createDocumentFragment();
    found.slice(0, limit).forEach(function (i) { part.appendChild(rows[i]); });
    body.textContent = "";
    body.appendChild(part);
    var visible = Math.min(limit, found.length);
    shown.textContent = visible + " of " + found.length + " matching items shown, " + rows.length + " in this page";
    nothing.hidden = found.length > 0;
    more.hidden = visible === found.length;
  }

  // The rows are in the order of urgency; it decides between equal ones, and alone if there is no key.
  function sortBy(key, down) {
    order.sort(function (a, b) {
      var x = key && rows[a].dataset[key] || "", y = key && rows[b].dataset[key] || "";
      if (x === y) { return a - b; }
      if (x === "" || y === "") { return x === "" ? 1 : -1; }
      return (x < y ? -1 : 1) * (down ? -1 : 1);
    });
    heads.forEach(function (head) {
      if (key && head.dataset.key === key) { head.setAttribute("aria-sort", down ? "descending" : "ascending"); } else { head.removeAttribute("aria-sort"); }
    });
    sort.value = key;
    limit = step;
    show();
  }

  heads.forEach(function (head) {
    var button = head.querySelector("button");
    if (button) {
      button.addEventListener("click", function () { sortBy(head.dataset.key, head.getAttribute("aria-sort") === "ascending"); });
    }
  });
  sort.addEventListener("input", function () { sortBy(sort.value, false); });
  [text, state, waits].forEach(function (field) {
    field.addEventListener("input", function () { limit = step; show(); });
  });
  more.addEventListener("click", function () {
    var first = limit;
    limit += step;
    show();
    var row = body.rows[first];
    if (row) { row.tabIndex = -1; row.focus(); }
  });
  document.getElementById("controls").hidden = false;
  show();
}());

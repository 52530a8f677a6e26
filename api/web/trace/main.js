// The slider of a trace: while it moves its day is told, and the page as of that day comes by itself. The page is whole without this:
// whoever has no scripts presses the button.

const slider = document.getElementById("days");
const told = document.getElementById("day");
const first = Date.parse(slider.dataset.first);

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;
// Keys move it day by day: the page waits until they rest.
const REST_MILLISECONDS = 600;

let rest = 0;

slider.addEventListener("input", () => {
  clearTimeout(rest);
  const day = new Date(first + slider.valueAsNumber * DAY_MILLISECONDS).toISOString().slice(0, 10);
  told.textContent = day;
  slider.setAttribute("aria-valuetext", day);
});

slider.addEventListener("change", () => {
  clearTimeout(rest);
  rest = setTimeout(() => slider.form.submit(), REST_MILLISECONDS);
});

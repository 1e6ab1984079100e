// A drawing comes as SVG text, for wide and for narrow screens; the browser shows the one that fits.

export default function ({ data, parentElement, setTriggerValue }) {
  const { wide, tall, label } = JSON.parse(new TextDecoder().decode(data));
  const root = parentElement.querySelector(".network");
  root.querySelector(".wide").innerHTML = wide;
  root.querySelector(".tall").innerHTML = tall;
  root.setAttribute("aria-label", label);
  root.onclick = ({ target }) => {
    const unit = target.closest("[data-unit]");
    if (unit) setTriggerValue("unit", [unit.dataset.place, unit.dataset.unit].map(Number));
  };
}

// A drawing comes as SVG text, for wide and for narrow screens; the browser shows the one that fits.

export default function ({ data, parentElement }) {
  const { wide, tall, label } = JSON.parse(new TextDecoder().decode(data));
  const root = parentElement.querySelector(".network");
  root.querySelector(".wide").innerHTML = wide;
  root.querySelector(".tall").innerHTML = tall;
  root.setAttribute("aria-label", label);
}

// Money that came when its sale was over stands on the till until somebody has noted it.

export function showLate(late) {
  const box = document.getElementById("late");
  const first = late?.[0];
  box.hidden = !first;
  if (first) document.getElementById("late-words").textContent = first.words;
}

// Shows a table, and tells the number of a row that is clicked; its button does so from the keyboard.
export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".rows");
  place.innerHTML = data;
  place.onclick = ({ target }) => {
    const row = target.closest("tbody tr");
    // Words that are marked to be copied are no wish to open the row.
    if (row && getSelection().isCollapsed) setTriggerValue("row", row.sectionRowIndex);
  };
}

/** Figures leave the page as they are: the picture as SVG, the numbers behind it as CSV. */

export type Cell = string | number | boolean | undefined | null;

export interface Table {
  columns: string[];
  rows: Cell[][];
}

/** RFC 4180: comma, CRLF, quotes doubled. Numbers keep every digit they have. */
export function csv(table: Table): string {
  const field = (cell: Cell) => {
    if (cell === undefined || cell === null) return "";
    const text = String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [table.columns, ...table.rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** The element as a document of its own, on a ground so that it can be put anywhere. */
export function svgText(svg: SVGElement, ground: string, title: string): string {
  const copy = svg.cloneNode(true) as SVGElement;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("xmlns:xlink", "http://www.w3.org/1999/xlink");
  const document = svg.ownerDocument;
  const name = document.createElementNS("http://www.w3.org/2000/svg", "title");
  name.textContent = title;
  const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  back.setAttribute("width", "100%");
  back.setAttribute("height", "100%");
  back.setAttribute("fill", ground);
  copy.prepend(name, back);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // the click only starts the download
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

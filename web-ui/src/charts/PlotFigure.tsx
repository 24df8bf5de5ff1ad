import * as Plot from "@observablehq/plot";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { useScheme } from "../ui/theme";
import css from "./charts.module.css";
import type { Table } from "./export";
import { Figure } from "./Figure";
import { type ChartColours, COLOURS, type Scheme } from "./palette";

export interface PlotContext {
  scheme: Scheme;
  colours: ChartColours;
  width: number;
  /** unique in the document: patterns are found by it */
  id: string;
  /** false in a download: no tips */
  interactive: boolean;
}

export type PlotSpec = (context: PlotContext) => Plot.PlotOptions;

/** A vertical line of the figure that can be drawn to another x. */
export interface Grip {
  x: number;
  /** @param done false while it is held */
  onMove: (x: number, done: boolean) => void;
}

/** Pixels from the line within which a pointer takes it. */
const REACH = 9;

let drawn = 0;

function render(spec: PlotSpec, scheme: Scheme, width: number, interactive: boolean): SVGSVGElement {
  const colours = COLOURS[scheme];
  drawn += 1;
  const options = spec({ scheme, colours, width, id: `figure-${drawn}`, interactive });
  const style = {
    background: "none",
    color: colours.ink2,
    fontFamily: 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif',
    fontSize: "11px",
    fontVariantNumeric: "tabular-nums",
  };
  return Plot.plot({ width, style, ...options, document }) as SVGSVGElement;
}

/** Names the picture and its links; Plot labels groups of marks too, which have no role that may bear a name. */
function name(svg: SVGSVGElement, summary: string): void {
  const links = svg.querySelectorAll("a");
  for (const link of links) {
    link.setAttribute("aria-label", link.querySelector("[aria-label]")?.getAttribute("aria-label") ?? "run");
  }
  for (const labelled of svg.querySelectorAll("[aria-label]:not(a)")) labelled.removeAttribute("aria-label");
  svg.setAttribute("role", links.length ? "group" : "img");
  svg.setAttribute("aria-label", summary);
}

function hrefOf(link: Element): string | undefined {
  return link.getAttribute("href") ?? link.getAttribute("xlink:href") ?? undefined;
}

function linkTo(svg: SVGSVGElement, href: string): HTMLOrSVGElement | undefined {
  return [...svg.querySelectorAll("a")].find((link) => hrefOf(link) === href);
}

/** A scientific figure: drawn by Observable Plot, redrawn when its data, the theme or its width change. */
export function PlotFigure(props: {
  title: string;
  subtitle?: ReactNode;
  file: string;
  /** must be stable between renders with the same data */
  spec: PlotSpec;
  table: () => Table;
  /** what a reader who cannot see it should know */
  summary: string;
  controls?: ReactNode;
  note?: ReactNode;
  level?: 2 | 3;
  grip?: Grip | undefined;
}) {
  const { spec, summary } = props;
  const holder = useRef<HTMLDivElement>(null);
  const focused = useRef<string>(undefined);
  useGrip(holder, props.grip);
  const scheme = useScheme();
  const [width, setWidth] = useState(0);
  const navigate = useNavigate();

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      // in steps, so that a scrollbar coming and going does not redraw for ever
      if (entry) setWidth(Math.floor(entry.contentRect.width / 4) * 4);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = holder.current;
    if (!element || width === 0) return;
    const svg = render(spec, scheme, width, true);
    name(svg, summary);
    element.replaceChildren(svg);
    // who goes from dot to dot by the keyboard stays where they are when new data come in
    if (focused.current !== undefined) linkTo(svg, focused.current)?.focus({ preventScroll: true });
    return () => {
      const active = document.activeElement;
      focused.current = active && svg.contains(active) ? hrefOf(active) : undefined;
      svg.remove();
    };
  }, [spec, scheme, width, summary]);

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const follow = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      const href = link ? hrefOf(link) : undefined;
      if (!href?.startsWith("/") || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      navigate({ to: href });
    };
    element.addEventListener("click", follow);
    return () => element.removeEventListener("click", follow);
  }, [navigate]);

  return (
    <Figure {...props} svg={() => render(spec, "light", 860, false)}>
      <div ref={holder} className={css.plot} />
    </Figure>
  );
}

/** Has a pointer draw the grip along x. It listens on the holder: the picture within is drawn anew at every move. */
function useGrip(holder: RefObject<HTMLDivElement | null>, grip: Grip | undefined) {
  const latest = useRef(grip);
  useEffect(() => {
    latest.current = grip;
  }, [grip]);

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    let held = false;
    let moved = false;
    let frame = 0;
    const scale = () => (element.firstElementChild as (SVGSVGElement & Plot.Plot) | null)?.scale("x");
    const pixels = (event: MouseEvent) => event.clientX - element.getBoundingClientRect().left;
    const isNear = (event: MouseEvent) => {
      const x = scale();
      return latest.current && x ? Math.abs(x.apply(latest.current.x) - pixels(event)) < REACH : false;
    };
    const send = (event: PointerEvent, done: boolean) => {
      const x = scale();
      if (!x?.invert || !x.range) return;
      const ends = x.range as number[];
      const at = Math.min(Math.max(...ends), Math.max(Math.min(...ends), pixels(event)));
      latest.current?.onMove(x.invert(at), done);
    };
    const down = (event: PointerEvent) => {
      if (event.button !== 0 || !isNear(event)) return;
      held = true;
      moved = false;
      element.setPointerCapture(event.pointerId);
      event.preventDefault();
      event.stopPropagation();
    };
    const move = (event: PointerEvent) => {
      if (!held) {
        element.style.cursor = isNear(event) ? "ew-resize" : "";
        return;
      }
      moved = true;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => send(event, false));
    };
    const up = (event: PointerEvent) => {
      if (!held) return;
      held = false;
      cancelAnimationFrame(frame);
      if (moved) send(event, true);
    };
    // what is let go over a dot does not follow its link
    const click = (event: MouseEvent) => {
      if (moved) {
        event.stopPropagation();
        event.preventDefault();
      }
      moved = false;
    };
    // before Plot's own tips, which keep what they are pressed on to themselves
    element.addEventListener("pointerdown", down, { capture: true });
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", up);
    element.addEventListener("click", click, { capture: true });
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("pointerdown", down, { capture: true });
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", up);
      element.removeEventListener("pointercancel", up);
      element.removeEventListener("click", click, { capture: true });
    };
  }, [holder]);
}

/** A pattern of diagonal lines for what is extrapolated; refer to it by `url(#id)`. */
export function hatch(id: string, colour: string): Plot.Markish {
  return (_index, _scales, _channels, _dimensions, context) => {
    const ns = "http://www.w3.org/2000/svg";
    const make = (name: string, attributes: Record<string, string>) => {
      const element = (context as { document: Document }).document.createElementNS(ns, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      return element;
    };
    const defs = make("defs", {});
    const pattern = make("pattern", {
      id,
      width: "6",
      height: "6",
      patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(45)",
    });
    pattern.append(make("line", { x1: "0", y1: "0", x2: "0", y2: "6", stroke: colour, "stroke-width": "1.6" }));
    defs.append(pattern);
    return defs as SVGElement;
  };
}

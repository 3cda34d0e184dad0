// The report's style sheet: one column on a telephone, two where there is room, light or dark as the reader's system is.

export const REPORT_STYLE = `
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #16191d; --soft: #5a6472; --line: #dfe3e8; --track: #eef1f4;
  --accent: #2456c7; --good: #177a4a; --good-fill: #2f9e68; --bad: #b3261e; --bad-fill: #d64b42; --quiet: #6b5b95; --quiet-fill: #a294c6;
  --held: #8a5a00; --held-fill: #e0a526; --shadow: 0 1px 2px rgb(20 30 50 / .06), 0 4px 16px rgb(20 30 50 / .05); }
@media (prefers-color-scheme: dark) { :root { --page: #111418; --card: #1a1e24; --ink: #e8ebef; --soft: #9aa5b3; --line: #2d343d; --track: #252b33;
  --accent: #8fb1ff; --good: #63cf9a; --good-fill: #2f9e68; --bad: #ff8f86; --bad-fill: #c9463d; --quiet: #b9abdc; --quiet-fill: #75679c;
  --held: #f0c264; --held-fill: #c08a1a; --shadow: none; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 8px; }
h2 { font-size: 20px; letter-spacing: -.01em; margin: 0; }
h3 { font-size: 12px; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); margin: 24px 0 8px; }
p { margin: 0; }
.lead { color: var(--soft); max-width: 66ch; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); padding: 24px; margin-top: 24px; }
.facts { display: grid; grid-template-columns: repeat(4, 1fr); gap: 16px; margin-top: 28px; }
.fact { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 18px; }
.fact b { display: block; font-size: 22px; font-weight: 650; letter-spacing: -.01em; font-variant-numeric: tabular-nums; }
.fact span { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; }
.card > h2 + .scroll { margin-top: 14px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; font-size: 12px; color: var(--soft); padding: 0 16px 6px 0; white-space: nowrap; }
td { padding: 7px 16px 7px 0; border-top: 1px solid var(--line); vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.why { color: var(--soft); } td.why { min-width: 220px; }
td.tight { white-space: nowrap; }
td.scene { min-width: 150px; } td.need { min-width: 170px; }
.nowrap { white-space: nowrap; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.head { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; }
.pill { font-size: 12.5px; font-weight: 600; padding: 2px 10px; border-radius: 99px; border: 1px solid currentColor; }
.pill.kept { color: var(--good); } .pill.broken { color: var(--bad); }
.story { color: var(--soft); margin-top: 4px; max-width: 72ch; }
.gap { margin-bottom: 16px; }
.body { display: grid; grid-template-columns: 300px minmax(0, 1fr); gap: 28px; margin-top: 20px; }
.picture img { display: block; width: 100%; height: auto; border-radius: 8px; border: 1px solid var(--line); }
.picture .none { aspect-ratio: 1; display: grid; place-items: center; text-align: center; border: 1px dashed var(--line); border-radius: 8px; color: var(--soft); padding: 24px; }
.body.wide { grid-template-columns: minmax(0, 1fr); gap: 22px; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 18px; max-width: 760px; }
.sheet { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: 10px 8px; }
figure { margin: 0; min-width: 0; } .sheet figcaption { font-size: 11.5px; line-height: 1.3; margin-top: 3px; }
figcaption { color: var(--soft); font-size: 13px; margin-top: 6px; font-variant-numeric: tabular-nums; } figcaption b { color: var(--ink); font-weight: 600; }
.sheet img { border-radius: 5px; } .sheet .none { font-size: 11px; padding: 4px; }
.caption { color: var(--soft); font-size: 13px; margin-top: 8px; overflow-wrap: anywhere; }
blockquote { margin: 0 0 16px; padding-left: 14px; border-left: 3px solid var(--line); font-size: 16px; }
.numbers { display: flex; flex-wrap: wrap; gap: 8px 28px; }
.numbers div b { display: block; font-size: 16px; font-weight: 650; font-variant-numeric: tabular-nums; }
.numbers div span { color: var(--soft); font-size: 12.5px; }
.timeline { display: block; overflow: visible; font-size: 12px; }
.timeline text { fill: var(--soft); white-space: pre; paint-order: stroke; stroke: var(--card); stroke-width: 5px; stroke-linejoin: round; }
.timeline .who { fill: var(--ink); font-weight: 600; }
.timeline .fate { font-weight: 600; }
.timeline text.delivered { fill: var(--good); } .timeline text.failed { fill: var(--bad); }
.timeline text.aborted { fill: var(--quiet); } .timeline text.held { fill: var(--held); }
.timeline .track { fill: var(--track); }
.timeline .bar.delivered { fill: var(--good-fill); } .timeline .bar.failed { fill: var(--bad-fill); }
.timeline .bar.aborted { fill: var(--quiet-fill); } .timeline .bar.held { fill: var(--held-fill); }
.timeline .queued { stroke: var(--soft); stroke-width: 2; stroke-dasharray: 2 3; }
.timeline line.held { stroke: var(--held); stroke-width: 3; }
.timeline .axis line { stroke: var(--line); }
.timeline .deadline { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 4; }
.timeline .deadline-label { fill: var(--ink); font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); margin-top: 14px; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.legend .delivered { background: var(--good-fill); } .legend .failed { background: var(--bad-fill); }
.legend .aborted { background: var(--quiet-fill); } .legend .held { background: var(--held-fill); }
.legend .line { width: 0; border-left: 2px dashed var(--ink); border-radius: 0; }
.note { color: var(--soft); font-size: 13px; margin-top: 6px; }
details { margin-top: 20px; border-top: 1px solid var(--line); padding-top: 14px; }
summary { cursor: pointer; color: var(--accent); font-weight: 600; font-size: 14px; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 18px; margin: 0; font-size: 14px; }
dt { color: var(--soft); } dd { margin: 0; } dd small { color: var(--soft); font-size: 13px; }
ol { margin: 0; padding-left: 20px; font-size: 14px; } li { margin: 2px 0; }
.chosen { color: var(--good); font-weight: 600; } .excluded { color: var(--held); }
footer { color: var(--soft); font-size: 13px; margin-top: 32px; }
@media (max-width: 820px) { main { padding: 24px 14px 48px; } h1 { font-size: 24px; } .card { padding: 18px 16px; } .facts { grid-template-columns: repeat(2, 1fr); gap: 10px; }
  .body { grid-template-columns: minmax(0, 1fr); gap: 20px; } .picture img { max-width: 420px; } .pair { gap: 10px; } .sheet { grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 8px 6px; } .picture .none { aspect-ratio: 3; }
  .summary .need, .summary .why { display: none; } .summary td, .summary th { padding-right: 10px; font-size: 13px; } .summary .tight, .summary .number { white-space: normal; } td.scene { min-width: 90px; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: 8px; } }
@media print { .card { break-inside: avoid; box-shadow: none; } }
`;

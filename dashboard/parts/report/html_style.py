"""How a report in HTML looks: one column, in light and dark as the reader's machine is set, in light when printed."""

STYLE = """
:root { color-scheme: light dark; --ink: #17211f; --quiet: #56635f; --paper: #fff; --ground: #f3f6f5;
  --line: #d9e1df; --accent: #0f6b6b; --warn: #fdf3e3; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6eeec; --quiet: #a3b1ad; --paper: #11191a;
  --ground: #1a2526; --line: #2c3a3b; --accent: #62cabf; --warn: #33290f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 Inter, 'Segoe UI', 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 3rem 0 .6rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); font-size: 1.3rem; }
p { margin: .6rem 0; max-width: 48rem; overflow-wrap: anywhere; }
.kind { margin: 0; color: var(--accent); font-weight: 600; font-size: .85rem; letter-spacing: .06em;
  text-transform: uppercase; }
.date, footer, figcaption, .note { color: var(--quiet); font-size: .875rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 1.2rem 0; font-size: .875rem; }
nav a { color: var(--accent); text-decoration: none; }
nav a:hover { text-decoration: underline; }
.verdict { margin-top: 1.5rem; padding: 1rem 1.4rem; border-left: 4px solid var(--accent); border-radius: 0 8px 8px 0;
  background: var(--ground); }
.verdict h2 { margin: 0; border: 0; padding: 0; color: var(--accent); font-size: 1rem; }
.verdict h2 + p { font-size: 1.15rem; }
.verdict h2 + p + p { color: var(--quiet); font-size: .9rem; }
.warning { padding: .5rem .8rem; border-radius: 6px; background: var(--warn); font-size: .9rem; }
figure { margin: 1.4rem 0; }
svg { display: block; max-width: 100%; height: auto; overflow: visible; color: var(--ink); }
figcaption { margin-top: .6rem; max-width: 48rem; }
figcaption b { color: var(--ink); }
.wide { overflow-x: auto; margin: 1rem 0; }
table { width: 100%; border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .4rem; text-align: left; font-weight: 600; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  overflow-wrap: break-word; }
thead th { background: var(--ground); color: var(--quiet); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 600; }
.number { text-align: right; }
td.number { white-space: nowrap; }
td:last-child { max-width: 22rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: .9rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .8rem; }
@page { margin: 16mm 14mm; }
@media print { body { padding: 0; max-width: none; font-size: 10.5pt; } nav, details:not([open]) { display: none; }
  table { font-size: 8pt; } th, td { padding: .25rem .4rem; } .wide { overflow: visible; }
  h2, caption { break-after: avoid; } figure, tr, .verdict { break-inside: avoid; }
  .verdict, thead th, .warning { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

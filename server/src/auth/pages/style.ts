/** The one stylesheet of all pages. Contrasts are at least 4.5 to 1 (WCAG 2.1, 1.4.3); sides are logical for right to left. */
export const STYLE = `
:root { color-scheme: light; --ink: #1b2430; --soft: #4a5565; --line: #6b7686; --paper: #ffffff; --ground: #eef2f6;
  --main: #0b5394; --main-ink: #ffffff; --bad: #a11616; --bad-ground: #fdecec; --good: #17603a; --good-ground: #e8f5ee; }
* { box-sizing: border-box; }
html { font-size: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font-family: system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Naskh Arabic", "DejaVu Sans", sans-serif; line-height: 1.5; }
main { max-width: 38rem; margin: 1.5rem auto; padding: 1.5rem; background: var(--paper); border-radius: .5rem;
  box-shadow: 0 1px 4px rgb(0 0 0 / .18); overflow-wrap: anywhere; }
header, footer { max-width: 38rem; margin: 0 auto; padding: 1rem 1.5rem 0; color: var(--soft); }
footer { padding-block: 0 1.5rem; }
.brand { font-weight: 600; }
h1 { font-size: 1.5rem; line-height: 1.25; margin-block: 0 1rem; }
h2 { font-size: 1.2rem; margin-block: 1.75rem .5rem; }
p { margin-block: 0 1rem; }
label, legend { font-weight: 600; }
.field { margin-block-end: 1rem; }
.field label { display: block; margin-block-end: .25rem; }
input[type=text], input[type=password], input[type=search] { width: 100%; font: inherit; padding: .55rem .7rem;
  border: 1px solid var(--line); border-radius: .35rem; background: var(--paper); color: var(--ink); }
input[aria-invalid=true] { border: 2px solid var(--bad); }
.hint { color: var(--soft); margin-block: .25rem 0; font-size: .95rem; }
.error { color: var(--bad); margin-block: .25rem 0; font-weight: 600; }
.alert, .notice { padding: .75rem 1rem; border-radius: .35rem; border-inline-start: .35rem solid; margin-block-end: 1rem; }
.alert { background: var(--bad-ground); color: var(--bad); border-color: var(--bad); }
.notice { background: var(--good-ground); color: var(--good); border-color: var(--good); }
button, .button { display: inline-block; font: inherit; font-weight: 600; padding: .6rem 1.1rem; border-radius: .35rem; cursor: pointer;
  min-height: 2.75rem; border: 2px solid var(--main); background: var(--main); color: var(--main-ink); text-decoration: none; }
button.second, .button.second { background: var(--paper); color: var(--main); }
button.danger { background: var(--paper); color: var(--bad); border-color: var(--bad); }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-block: 1.25rem .5rem; }
a { color: var(--main); }
:focus-visible { outline: 3px solid #b35900; outline-offset: 2px; }
.skip { position: absolute; inset-inline-start: -99rem; }
.skip:focus { inset-inline-start: 1rem; top: .5rem; background: var(--paper); padding: .5rem; }
fieldset { border: 1px solid var(--line); border-radius: .35rem; margin: 0 0 1rem; padding: .75rem 1rem; }
.choice { display: flex; gap: .6rem; align-items: flex-start; padding-block: .35rem; }
.choice input { width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; flex: none; }
.choice label { font-weight: 400; }
.choice .main { font-weight: 600; }
.parts { margin-inline-start: 1.85rem; }
ul.plain { list-style: none; padding: 0; margin: 0; }
.card { border: 1px solid var(--line); border-radius: .35rem; padding: .75rem 1rem; margin-block-end: .75rem; }
.card h3 { margin: 0 0 .25rem; font-size: 1.05rem; }
.app { display: flex; gap: 1rem; align-items: center; }
.app img { width: 4rem; height: 4rem; object-fit: contain; }
.qr { display: block; width: 14rem; max-width: 100%; height: auto; }
.codes { font-family: ui-monospace, monospace; font-size: 1.1rem; columns: 2; }
.seed { font-family: ui-monospace, monospace; font-size: 1.1rem; letter-spacing: .05em; }
.languages { display: flex; gap: 1rem; flex-wrap: wrap; list-style: none; padding: 0; }
.patient { width: 100%; text-align: start; }
[hidden] { display: none; }
@media (forced-colors: active) { button, .button { border-color: ButtonText; } }
`.trim();

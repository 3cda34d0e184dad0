// How /docs looks: the reader's own font and colours, light or dark; tables become lists where there is no room for columns.

export const STYLE = `
:root { color-scheme: light dark; --edge: light-dark(#d9dde4, #343944); --soft: light-dark(#f4f6f9, #1d2027); --quiet: light-dark(#5b6472, #9aa3b2); --link: light-dark(#1652b8, #8ab4ff); }
* { box-sizing: border-box }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 6rem; background: light-dark(#fff, #14161a); color: light-dark(#1b1f27, #e6e8ec) }
a { color: var(--link) } a code { color: inherit }
h1 { font-size: 1.7rem; margin: 0 0 .5rem } h2 { font-size: 1.2rem; margin: 3rem 0 .25rem; padding-top: 1rem; border-top: 1px solid var(--edge); overflow-wrap: anywhere } h3 { font-size: .95rem; margin: 1.25rem 0 .25rem; color: var(--quiet) }
p { margin: .25rem 0 .75rem; max-width: 48rem }
code, pre { font: 14px/1.5 ui-monospace, monospace } pre { background: var(--soft); padding: .75rem 1rem; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 1rem }
nav ul { list-style: none; padding: 0; margin: 1rem 0 } nav li { padding: .3rem 0; border-top: 1px solid var(--edge) } nav a { text-decoration: none } nav span { color: var(--quiet) }
.method { display: inline-block; min-width: 4.8rem; font-weight: 700 } .quiet { color: var(--quiet) }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .4rem .9rem .4rem 0; border-top: 1px solid var(--edge) } th { color: var(--quiet); font-weight: 400; border: 0 } td:first-child { white-space: nowrap }
@media (max-width: 44rem) { thead { display: none } tr { display: block; border-top: 1px solid var(--edge); padding: .5rem 0 } td { display: block; border: 0; padding: 0; overflow-wrap: anywhere } td:first-child { white-space: normal } td[data-title]::before { content: attr(data-title) ": "; color: var(--quiet) } nav span { display: block } }
`;

//! The page's style: system fonts, one accent, light and dark, narrow and wide, screen and paper.

/// Everything but the charts' own style.
pub(super) const PAGE: &str = "\
:root{color-scheme:light dark;--ground:#fbfaf8;--card:#fff;--ink:#1c1917;--soft:#57534e;--faint:#e7e5e4;--accent:#0f766e;--bad:#b4342a}
@media(prefers-color-scheme:dark){:root{--ground:#171412;--card:#1f1b18;--ink:#f5f5f4;--soft:#b5afa8;--faint:#34302c;--accent:#4fd1c5;--bad:#f08a7f}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:17px/1.6 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif;text-rendering:optimizeLegibility}
main,footer{max-width:908px;margin:0 auto;padding:0 24px}
header{padding:72px 0 24px;border-bottom:1px solid var(--faint)}
.mark{margin:0;color:var(--accent);font-weight:700;letter-spacing:.02em}
.mark::before{content:'';display:inline-block;width:.62em;height:.62em;margin-right:.45em;border-radius:50%;background:var(--accent)}
h1{margin:.35em 0 .45em;font-size:clamp(1.9rem,5.2vw,3rem);line-height:1.12;letter-spacing:-.022em;font-weight:700;text-wrap:balance}
h2{margin:0 0 .5em;font-size:1.55rem;line-height:1.25;letter-spacing:-.012em}
h3{margin:1.6em 0 .4em;font-size:1.02rem}
p{margin:0 0 1em;max-width:42em}
.lead{font-size:1.16rem;color:var(--soft)}
.note{color:var(--soft);font-size:.94rem}
section{padding:56px 0 24px}
section+section{border-top:1px solid var(--faint)}
.modelled{display:inline-block;padding:.1em .6em;border:1px solid currentColor;border-radius:99px;color:var(--accent);font-size:.78rem;font-weight:500;line-height:1.45;letter-spacing:.01em;vertical-align:.12em;white-space:nowrap}
.whole{white-space:nowrap}
figure{margin:36px 0 0}
figcaption{margin-bottom:10px;font-weight:600;font-size:.98rem}
figcaption span{color:var(--soft);font-weight:400;margin-left:.35em}
svg{display:block;width:100%;height:auto;overflow:visible}
.narrow{display:none}
.numbers{display:flex;flex-wrap:wrap;gap:20px 44px;margin:30px 0 0;padding:0}
.numbers div{display:flex;flex-direction:column-reverse}
dt{color:var(--soft);font-size:.86rem}
dd{margin:0;font-variant-numeric:tabular-nums}
.numbers dd{font-size:2.5rem;line-height:1.15;font-weight:650;letter-spacing:-.02em}
.numbers div:first-child dd{color:var(--accent)}
.numbers+.note{margin-top:18px}
.scroll{overflow-x:auto}
table{border-collapse:separate;border-spacing:4px;font-size:.92rem}
th{font-weight:500;color:var(--soft);text-align:left;padding:4px 10px;white-space:nowrap}
thead th{text-align:center}
.matrix td{min-width:112px;padding:9px 10px;text-align:center;border-radius:6px;background:color-mix(in srgb,var(--accent) var(--n,0%),var(--card));font-variant-numeric:tabular-nums}
.matrix thead td{background:none;min-width:0}
.matrix .none{color:var(--soft)}
.matrix small{display:block;color:var(--ink);opacity:.8;font-size:.78rem;line-height:1.3}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 32px}
.said{margin:0;padding:0;list-style:none;font-size:.94rem}
.said li{padding:.5em 0;border-top:1px solid var(--faint);overflow-wrap:anywhere}
.said time{color:var(--soft);font-variant-numeric:tabular-nums;margin-right:.6em}
.broken{padding:14px 18px;border:2px solid var(--bad);border-radius:8px;color:var(--bad);overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(258px,1fr));gap:20px;margin-top:24px}
article{display:flex;flex-direction:column;padding:18px 18px 14px;border:1px solid var(--faint);border-radius:10px;background:var(--card);break-inside:avoid}
article h3{margin:0 0 .2em}
article p{color:var(--soft);font-size:.88rem;line-height:1.45;margin-bottom:.8em}
article svg{margin-top:auto;max-width:300px}
article dl{display:grid;grid-template-columns:1fr 1fr;gap:6px 14px;margin:12px 0 0;padding-top:10px;border-top:1px solid var(--faint)}
article dt{font-size:.76rem;line-height:1.3}
article dd{font-weight:600;font-size:.95rem}
.next{margin:0 0 20px;padding:0;list-style:none;counter-reset:n}
.next li{counter-increment:n;position:relative;padding-left:44px;margin-bottom:22px}
.next li::before{content:counter(n);position:absolute;left:0;top:1px;width:27px;height:27px;border-radius:50%;border:1.5px solid var(--accent);color:var(--accent);font-size:.86rem;font-weight:600;line-height:24px;text-align:center}
.next p{margin-bottom:.45em}
pre{margin:0;padding:11px 15px;border:1px solid var(--faint);border-radius:8px;background:var(--card);overflow-x:auto}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace}
footer{padding-top:22px;padding-bottom:64px;color:var(--soft);font-size:.86rem}
footer p{padding-top:20px;border-top:1px solid var(--faint);max-width:none;overflow-wrap:anywhere}
@media(max-width:700px){body{font-size:16px}main,footer{padding-left:18px;padding-right:18px}header{padding-top:40px}section{padding-top:42px}
.wide{display:none}.narrow{display:block}.pair{grid-template-columns:1fr}.numbers{display:grid;grid-template-columns:repeat(3,1fr);gap:18px 12px}.numbers dd{font-size:2rem}
figcaption span{display:block;margin:0;font-size:.9rem}.matrix{font-size:.84rem}.matrix td{min-width:0;width:30%;padding:9px 5px}th{padding:4px 5px;white-space:normal}code{font-size:.82em}}
@media print{:root{--ground:#fff}body{font-size:11pt}header{padding-top:0}section{padding-top:24px}figure,article,li{break-inside:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

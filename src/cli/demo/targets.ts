// The table of every route in a plan: what was expected of it, and whether it was chosen, possible or left out.
import { formatUsd } from '../../domain/money.ts';
import type { Infeasible, Plan } from '../../domain/plan.ts';
import { durationText } from '../duration-text.ts';
import { html, type Markup } from './html.ts';

export function renderTargets(plan: Plan | Infeasible): Markup {
  const chosen = plan.kind === 'plan' ? plan.attempts.map(({ target }) => target) : [];
  const forecasts = plan.forecasts.map((forecast) => {
    const exclusion = plan.excluded.find(({ target }) => target === forecast.target);
    const verdict = exclusion
      ? html`<span class="excluded">${exclusion.reason}</span>: ${exclusion.detail}`
      : chosen.includes(forecast.target)
        ? html`<span class="chosen">chosen</span>`
        : html`possible, worth less than the plan`;
    return html`<tr><td class="tight">${forecast.route}</td><td class="number">${Math.round(forecast.chance * 100)} %</td>
<td class="number">${durationText(forecast.latencyMsP50)}</td><td class="number">${durationText(forecast.latencyMsP95)}</td>
<td class="number">${formatUsd(forecast.price.expected)}</td><td class="why">${verdict}</td></tr>`;
  });
  const unable = plan.excluded.filter(({ target }) => !plan.forecasts.some((forecast) => forecast.target === target));
  const rest = unable.map(
    ({
      route,
      reason,
      detail,
    }) => html`<tr><td class="tight">${route}</td><td class="number">-</td><td class="number">-</td><td class="number">-</td>
<td class="number">-</td><td class="why"><span class="excluded">${reason}</span>: ${detail}</td></tr>`,
  );
  return html`<table><thead><tr><th>route</th><th class="number">in time</th><th class="number">p50</th><th class="number">p95</th><th class="number">price</th><th>verdict</th></tr></thead>
<tbody>${forecasts}${rest}</tbody></table>`;
}

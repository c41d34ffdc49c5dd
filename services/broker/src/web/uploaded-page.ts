import type { FastifyReply } from 'fastify';
import { document, htmlText } from './document.js';
import { ownPage } from './security-headers.js';

/** What a browser without our script is shown after an upload. */
export function uploadedPage(
  reply: FastifyReply,
  capability: string,
  name: string | undefined,
): FastifyReply {
  const path = `/file/${encodeURIComponent(capability)}`;
  const link = name === undefined || name === '' ? path : `${path}/@@named=/${encodeURIComponent(name)}`;
  const body = `<main class="page">
<h1>The file is stored</h1>
<section class="card">
<h2>Its capability</h2>
<p>Whoever has this line can read the file, and nobody else can: keep it.</p>
<p><code class="capability">${htmlText(capability)}</code></p>
<p><a href="${htmlText(link)}">Open the file</a></p>
</section>
<p><a href="/">Back to the welcome page</a></p>
</main>`;
  return reply
    .headers({ ...ownPage, 'content-type': 'text/html; charset=utf-8' })
    .send(document({ title: 'Stored', body }));
}

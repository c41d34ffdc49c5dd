import { document, htmlText } from './document.js';
import type { StatusJson } from './status-json.js';

/**
 * The welcome page. It is whole without a script: the form uploads, the servers are listed as they are now. The
 * script (`page/`) takes over the parts that have an id.
 */
export function welcomePage(status: StatusJson): string {
  const connected = status.servers.filter(({ state }) => state === 'connected').length;
  const body = `<main class="page">
<header>
<h1>Holdfast</h1>
<p class="quiet">Gateway <b>${htmlText(status.nickname)}</b> of the grid <b>${htmlText(status.grid)}</b></p>
</header>

<section class="card" id="upload" aria-labelledby="upload-title">
<h2 id="upload-title">Store a file</h2>
<form action="/uri" method="post" enctype="multipart/form-data">
<input type="hidden" name="t" value="upload">
<label for="file">File</label>
<input id="file" type="file" name="file" required>
<button type="submit">Store</button>
</form>
</section>

<section class="card" aria-labelledby="open-title">
<h2 id="open-title">Fetch a file</h2>
<form action="/uri" method="get" autocomplete="off">
<label for="uri">Capability</label>
<input id="uri" name="uri" required spellcheck="false" autocapitalize="off" placeholder="URI:CHK:…">
<label for="filename">Name to give the file <span class="quiet">(if you like; its ending tells your browser what it is)</span></label>
<input id="filename" name="filename" spellcheck="false" placeholder="photo.jpg">
<div class="buttons">
<button type="submit" name="save" value="true">Download</button>
<button type="submit" class="second">Open here</button>
</div>
</form>
</section>

<section class="card" id="servers" aria-labelledby="servers-title">
<h2 id="servers-title">Storage servers</h2>
<p>${connected} of ${status.servers.length} connected</p>${refusedEdit(status)}
<ul class="plain">${status.servers.map(serverLine).join('')}</ul>
</section>

<footer class="quiet"><a href="/repairs">Repairs</a> · <a href="/?t=json">This page as JSON</a></footer>
</main>
<script type="application/json" id="status">${JSON.stringify(status).replaceAll('<', '\\u003c')}</script>
<script type="module" src="/page/main.js"></script>`;
  return document({ title: status.nickname, body });
}

function serverLine({ nickname, nodeid, connection_status }: StatusJson['servers'][number]): string {
  return `<li><b>${htmlText(nickname || nodeid)}</b> ${htmlText(connection_status)}</li>`;
}

function refusedEdit({ connections_refused: refused }: StatusJson): string {
  if (refused === null) return '';
  const where = refused.line === null ? '' : ` in line ${refused.line}`;
  return `\n<p role="alert">connections.yaml is wrong${where}: ${htmlText(refused.reason)}</p>`;
}

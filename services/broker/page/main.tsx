import { render } from 'preact';
import type { StatusJson } from '../src/web/status-json.js';
import { Servers } from './servers.js';
import { Upload } from './upload.js';

// The page comes whole from the gateway; these parts of it come alive.
const initial = JSON.parse(part('status').textContent ?? '') as StatusJson;
takeOver('upload', <Upload />);
takeOver('servers', <Servers initial={initial} />);

function takeOver(id: string, content: preact.ComponentChild): void {
  const place = part(id);
  place.replaceChildren();
  render(content, place);
}

function part(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no part ${id}`);
  return element;
}

import { render } from 'preact';
import type { RepairsJson } from '../src/web/repairs-json.js';
import { Repairs } from './repairs.js';

// The page comes whole from the gateway; this part of it comes alive.
const status = document.getElementById('status');
const place = document.getElementById('repairs');
if (!status || !place) throw new Error('the page has not all its parts');
place.replaceChildren();
render(<Repairs initial={JSON.parse(status.textContent ?? '') as RepairsJson} />, place);

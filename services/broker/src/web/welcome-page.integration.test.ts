import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Lab } from '@holdfast/lab';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findBrowser, startBrowser } from '../testing/browser.js';

// Without a browser on this machine there is nothing to see; where CI is set there must be one.
const skipped = findBrowser() === undefined && !process.env['CI'];

describe.skipIf(skipped)('the welcome page', () => {
  let lab: Lab;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [lab, browser] = await Promise.all([
      Lab.up({ storage: 2, shares: { required: 1, happy: 2, total: 2 } }),
      startBrowser(),
    ]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), lab?.[Symbol.asyncDispose]()]);
  });

  const open = async (options = {}) => {
    context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(lab.broker);
  };
  beforeEach(() => open());
  afterEach(() => context.close());

  const content = randomBytes(1_500_000);
  const photo = { name: 'holiday photo.jpg', mimeType: 'image/jpeg', buffer: content };

  async function saved(click: () => Promise<void>): Promise<{ name: string; content: Buffer }> {
    const [download] = await Promise.all([page.waitForEvent('download'), click()]);
    return { name: download.suggestedFilename(), content: await readFile(await download.path()) };
  }

  it('stores a file, copies its capability, and fetches it again by it', async () => {
    await page.getByLabel('Choose a file').setInputFiles(photo);
    const capability = await page.locator('code.capability').textContent();
    expect(capability).toMatch(/^URI:CHK:/);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(capability);

    const byLink = await saved(() => page.getByRole('link', { name: 'Download' }).click());
    expect(byLink.name).toBe('holiday photo.jpg');
    expect(byLink.content.equals(content)).toBe(true);

    await page.getByLabel('Capability').fill(`  ${capability}\n`);
    await page.getByLabel('Name to give').fill('again.jpg');
    const byPaste = await saved(() => page.getByRole('button', { name: 'Download' }).click());
    expect(byPaste.name).toBe('again.jpg');
    expect(byPaste.content.equals(content)).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('shows how each server is connected, while it changes', async () => {
    const row = page.getByRole('row', { name: /^s1 / });
    expect(await row.textContent()).toContain('Connected');
    await page.getByText('2 of 2 connected.').waitFor();
    await lab.stop('s1');
    await page.getByLabel('Choose a file').setInputFiles({ ...photo, buffer: randomBytes(1000) });
    const failure = page.getByRole('alert');
    await failure.waitFor();
    expect(await failure.textContent()).toMatch(/^Not stored: UploadUnhappinessError: /);
    await page.getByText('1 of 2 connected. To store a file, 2 are needed.').waitFor();
    expect(await row.textContent()).toContain('Not reachable');
    await lab.start('s1');
    await page.getByText('2 of 2 connected.').waitFor();
  });

  it('says what is wrong with an edit of connections.yaml, and where, until it is mended', async () => {
    const file = join(lab.dir, 'broker1', 'connections.yaml');
    const before = await readFile(file, 'utf8');
    const notice = page.getByRole('alert');
    expect(await notice.count()).toBe(0);
    await writeFile(file, `${before}connection_types:\n  tcp: { handler: "<b>pigeon</b>" }\n`);
    await notice.waitFor();
    const line = before.split('\n').length + 1;
    const text = await notice.textContent();
    expect(text).toContain(
      `connections.yaml is wrong in line ${line}, so that what it said before is in force`,
    );
    expect(text).toContain(
      'connection_types.tcp.handler: expected a handler: tcp, socks5, tor, i2p or disabled',
    );
    // What stands in the file is text to the page, and nothing else.
    expect(await notice.locator('b').count()).toBe(0);
    // A page that is opened meanwhile shows it at once, and what was in force still works.
    await page.reload();
    await notice.waitFor();
    await page.getByText('2 of 2 connected.').waitFor();
    await page.getByLabel('Choose a file').setInputFiles({ ...photo, buffer: randomBytes(1000) });
    await page.locator('code.capability').waitFor();
    await writeFile(file, before);
    await notice.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });

  it('stores a file without a script, too', async () => {
    await context.close();
    await open({ javaScriptEnabled: false });
    await page.getByLabel('File', { exact: true }).setInputFiles(photo);
    await page.getByRole('button', { name: 'Store' }).click();
    const capability = await page.locator('code.capability').textContent();
    expect(capability).toMatch(/^URI:CHK:/);
    const answer = await fetch(new URL(`/uri/${capability}`, lab.broker));
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true);
  });

  it('lets no stored page read what the gateway tells', async () => {
    const attack = `<title>waiting</title><script>
      fetch('/?t=json').then((answer) => answer.text()).then(() => { document.title = 'read'; }, () => { document.title = 'kept out'; });
    </script>`;
    const stored = await fetch(new URL('/uri', lab.broker), { method: 'PUT', body: attack });
    await page.goto(new URL(`/file/${await stored.text()}/@@named=/attack.html`, lab.broker).href);
    await page.waitForFunction('document.title !== "waiting"');
    expect(await page.title()).toBe('kept out');
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByLabel('Choose a file').setInputFiles(photo);
    await page.locator('code.capability').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });
});
